"""The middlewares requestHeaderModifier and responseHeaderModifier: filters of Kubernetes' Gateway API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.header_changes import HeaderChanges
from proxy.http1.header_lines import header_line
from proxy.http1.response_head import ResponseHead
from proxy.middlewares.headers.custom_headers import compile_request_headers
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import extras_of
from rondpoint.middlewares.framing_headers import refuse_framing_headers

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("requestHeaderModifier")
def request_header_modifier(options: Mapping[str, Any]) -> Step:
    """Set, add and remove headers of the request."""
    replaced, added = _replaced(options), _added(options)
    replace = compile_request_headers(replaced)

    def step(request: Request, client: Client) -> None:
        if replace is not None:
            replace(request, client)
        request.headers += added

    return step


@kind("responseHeaderModifier")
def response_header_modifier(options: Mapping[str, Any]) -> Step:
    """Set, add and remove headers of the response."""
    replaced, added = _replaced(options), _added(options)
    refuse_framing_headers(replaced)
    changes = HeaderChanges(replaced) if replaced else None

    def change(head: ResponseHead) -> None:
        if changes is not None:
            head.lines = changes.apply(head.lines)
        head.lines += added

    return lambda _request, client: extras_of(client).at_response(change)


def _replaced(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the values to set, with empty ones for headers to remove."""
    return {**options["set"], **dict.fromkeys(options["remove"], "")}


def _added(options: Mapping[str, Any]) -> bytes:
    refuse_framing_headers(options["add"])
    return b"".join(header_line(name, value) for name, value in options["add"].items())
