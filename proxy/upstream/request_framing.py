"""Sends requests to servers: frames the content as the server's protocol demands.

`trailers` are None until the content ends; with the end they are lines, each ended by CRLF, or empty. Content
is `chunked` if no Content-Length tells where it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.response_framing import frame_chunks

if TYPE_CHECKING:
    from proxy.net.stream import Stream


def begin_request(stream: Stream, head: bytes, content: bytes, trailers: bytes | None, chunked: bool) -> None:
    """Send a head with the first bytes of content, in one send. Raises OSError if the connection breaks."""
    stream.send(head + (frame_chunks(content, trailers) if chunked else content))


def send_content(stream: Stream, content: bytes, trailers: bytes | None, chunked: bool) -> None:
    """Send more content, and the end with `trailers`. Raises OSError if the connection breaks."""
    if chunked:
        content = frame_chunks(content, trailers)
    if content:
        stream.send(content)
