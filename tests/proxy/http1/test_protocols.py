"""The protocol kind of a request, from its header lines."""

import pytest

from proxy.http1.protocols import GRPC, GRPC_WEB, HTTP, SSE, WEBSOCKET, kind_of

CASES = [
    (b"", b"", HTTP),
    (b"\r\nAccept: */*", b"", HTTP),
    (b"\r\nAccept: text/event-stream", b"", SSE),
    (b"\r\naccept: text/html, text/event-stream;q=0.9", b"", SSE),
    (b"\r\nX-Other: text/event-stream", b"", HTTP),
    (b"\r\nContent-Type: application/grpc", b"", GRPC),
    (b"\r\nContent-Type: application/grpc+proto", b"", GRPC),
    (b"\r\ncontent-type:application/grpc-web-text", b"", GRPC_WEB),
    (b"\r\nReferer: application/grpc", b"", HTTP),
    (b"", b"websocket", WEBSOCKET),
    (b"", b"WebSocket", WEBSOCKET),
    (b"", b"something", HTTP),
]


@pytest.mark.parametrize(("headers", "upgrade", "kind"), CASES)
def test_the_kind_of_a_head(headers: bytes, upgrade: bytes, kind: int) -> None:
    assert kind_of(headers, upgrade) == kind
