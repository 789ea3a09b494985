"""The middleware contentType, as in Traefik 3: adds a missing Content-Type by the first bytes of the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.content_sniffing import sniff
from proxy.http1.header_lines import values_of
from proxy.http1.response_head import ResponseHead
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import extras_of

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("contentType")
def content_type(options: Mapping[str, Any]) -> Step:
    """Add Content-Type to responses with a body that have none, unless `autoDetect` is false."""
    if options.get("autoDetect") is False:
        return _leave

    def step(request: Request, client: Client) -> None:
        extras = extras_of(client)
        extras.needs_body_start = True
        extras.at_response(_add_content_type)

    return step


def _leave(request: Request, client: Client) -> None:
    """Leave responses without a Content-Type as they are."""


def _add_content_type(head: ResponseHead) -> None:
    # The first bytes of an encoded body say nothing about the content in it.
    if (
        head.body_start
        and not values_of(head.lines, b"content-type")
        and not any(values_of(head.lines, b"content-encoding"))
    ):
        head.lines += b"\r\nContent-Type: " + sniff(head.body_start)
