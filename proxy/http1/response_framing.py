"""Frames a response for a client: says how its content and its connection end (RFC 9112 §6 and §9).

Content of unknown length goes to an HTTP/1.1 client in chunks. For an HTTP/1.0 client the end of its
connection ends the content.
"""

from __future__ import annotations

from proxy.http1.chunked import encode_chunk, last_chunk

CHUNKED = b"\r\nTransfer-Encoding: chunked"
CLOSE = b"\r\nConnection: close"
KEEP_ALIVE = b"\r\nConnection: keep-alive"


def frame_chunks(content: bytes, trailers: bytes | None) -> bytes:
    """Return a chunk with this content, unless it is empty, and the last chunk unless `trailers` is None."""
    chunk = encode_chunk(content)
    return chunk if trailers is None else chunk + last_chunk(trailers)


def frame_switch(head: bytes, protocol: bytes, content: bytes) -> bytes:
    """Return the head of 101 Switching Protocols, and the first bytes of the new protocol."""
    return b"%b\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n%b" % (head, protocol, content)
