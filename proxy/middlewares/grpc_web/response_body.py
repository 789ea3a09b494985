"""The body of a gRPC-Web response: the messages of a gRPC response, and its trailers as a last frame."""

from __future__ import annotations

from proxy.middlewares.grpc_web.text_format import TextEncoder

TRAILERS_FLAG = b"\x80"
"""The first byte of the frame with the trailers; messages have 0 or 1 there."""


class WebBody:
    """The body filter of one response in the binary format."""

    def __init__(self) -> None:
        self._frame = b""

    def feed(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""

    def take_trailers(self, trailers: bytes, /) -> bytes:
        if trailers:
            self._frame = trailers_frame(trailers)
        return b""

    def finish(self) -> bytes:
        return self._frame


class WebTextBody(WebBody):
    """The body filter of one response in the text format."""

    def __init__(self) -> None:
        super().__init__()
        self._encoder = TextEncoder()

    def feed(self, data: bytes, /) -> bytes:
        return self._encoder.feed(data)

    def flush(self) -> bytes:
        return self._encoder.flush()

    def finish(self) -> bytes:
        return self.feed(self._frame) + self.flush()


def trailers_frame(trailers: bytes) -> bytes:
    """Return the frame with these trailer lines, each ended by CRLF; names become lower case."""
    lines = []
    for line in trailers.splitlines():
        name, colon, value = line.partition(b":")
        lines.append(b"%b%b%b\r\n" % (name.lower(), colon, value))
    content = b"".join(lines)
    return TRAILERS_FLAG + len(content).to_bytes(4, "big") + content
