"""The middleware grpcWeb, as in Traefik 3: requests of browsers become gRPC, and responses gRPC-Web."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.http1.header_lines import first_value, with_value, without
from proxy.middlewares.client_body import open_content
from proxy.middlewares.grpc_web.cross_origin import (
    Allows,
    allow_origin,
    compile_origins,
    is_preflight,
    preflight_lines,
)
from proxy.middlewares.grpc_web.response_body import WebBody, WebTextBody
from proxy.middlewares.grpc_web.text_format import TextDecoder
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import ProducedContent, extras_of
from proxy.per_request.local_response import LocalResponse
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.http1.response_head import ResponseHead

_GRPC = b"application/grpc"
_WEB = b"application/grpc-web"
_WEB_TEXT = b"application/grpc-web-text"


@kind("grpcWeb")
def grpc_web(options: Mapping[str, Any]) -> Step:
    """Convert gRPC-Web requests, and let scripts of `allowOrigins` send them."""
    allows = compile_origins(options["allowOrigins"])

    def step(request: Request, client: Client) -> None:
        if is_preflight(request):
            raise LocalResponse(200, preflight_lines(request, allows))
        content_type = first_value(request.headers, b"content-type")
        if request.method != b"POST" or not content_type.startswith(_WEB):
            return
        web_type = _WEB_TEXT if content_type.startswith(_WEB_TEXT) else _WEB
        grpc_type = content_type.replace(web_type, _GRPC, 1)
        request.headers = with_value(request.headers, b"content-type", grpc_type)
        if web_type is _WEB_TEXT:
            _decode_content(request, client)
        extras = extras_of(client)
        extras.speaks_grpc = True
        origin = first_value(request.headers, b"origin")
        extras.at_response(partial(_convert, web_type, origin, allows))

    return step


def _decode_content(request: Request, client: Client) -> None:
    source, pieces = open_content(request, client)
    if source is None:
        return
    extras_of(client).produced_content = ProducedContent(_decoded(pieces), source)
    request.headers = without(without(request.headers, b"trailer"), b"content-length")
    request.chunked, request.content_length = True, -1


def _decoded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    decoder = TextDecoder()
    try:
        for piece in pieces:
            yield decoder.feed(piece)
        decoder.finish()
    except ValueError as error:
        raise BodyError(400, str(error)) from None


def _convert(web_type: bytes, origin: bytes, allows: Allows, head: ResponseHead) -> None:
    content_type = first_value(head.lines, b"content-type")
    if content_type.startswith(_GRPC) and not content_type.startswith(_WEB):
        converted = content_type.replace(_GRPC, web_type, 1)
        head.lines = without(with_value(head.lines, b"Content-Type", converted), b"trailer")
        # A response without messages has its status in the head, where scripts find it.
        if head.length:
            head.add_filter(WebTextBody() if web_type is _WEB_TEXT else WebBody())
    head.lines = allow_origin(head.lines, origin, allows)
