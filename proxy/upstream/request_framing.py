"""Sends requests to servers: frames the content as the server's protocol demands.

`trailers` are None until the content ends; with the end they are lines, each ended by CRLF, or empty. Content
is `chunked` if no Content-Length tells where it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.response_framing import frame_chunks
from proxy.upstream.http2_stream import Http2Stream

if TYPE_CHECKING:
    from proxy.net.stream import Stream


def begin_request(
    stream: Stream, head: bytes, content: bytes = b"", trailers: bytes | None = b"", chunked: bool = False
) -> None:
    """Send a head with the first bytes of content, in one send. Raises OSError if the connection breaks."""
    if isinstance(stream, Http2Stream):
        stream.begin(head, content, trailers)
    else:
        stream.send(head + (frame_chunks(content, trailers) if chunked else content))


def send_whole_request(stream: Stream, message: bytes) -> None:
    """Send a message of HTTP/1.1, which is a head and all of its content. Raises as `begin_request` does."""
    if isinstance(stream, Http2Stream):
        end = message.index(b"\r\n\r\n") + 4
        stream.begin(message[:end], message[end:], b"")
    else:
        stream.send(message)


def send_content(stream: Stream, content: bytes, trailers: bytes | None, chunked: bool) -> None:
    """Send more content, and the end with `trailers`. Raises OSError if the connection breaks."""
    if isinstance(stream, Http2Stream):
        if content or trailers is not None:
            stream.send_content(content, trailers)
        return
    if chunked:
        content = frame_chunks(content, trailers)
    if content:
        stream.send(content)
