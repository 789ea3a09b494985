"""The middleware urlRewrite: the filter of Kubernetes' Gateway API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.middlewares.headers.custom_headers import compile_request_headers
from proxy.middlewares.rewriting.path_change import compile_path_change
from proxy.middlewares.step import Client, Step, kind

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("urlRewrite")
def url_rewrite(options: Mapping[str, Any]) -> Step:
    """Change the Host that the server gets, and the path."""
    change_path = compile_path_change(options)
    set_host = compile_request_headers({"Host": options["hostname"]}) if "hostname" in options else None

    def step(request: Request, client: Client) -> None:
        if change_path is not None:
            request.target = change_path(request.target)
        if set_host is not None:
            set_host(request, client)

    return step
