"""The bytes of a client of HTTP/2 (RFC 9113) that keeps no state: it opens streams, and reads heads alone."""

from __future__ import annotations

import struct

from hpack import Encoder

from benchmarks.peers.peer import HOST

DATA, HEADERS, SETTINGS = 0, 1, 4
INITIAL_WINDOW_SIZE = 4
END_STREAM, END_HEADERS = 1, 4


def preface(window: int | None = None) -> bytes:
    """Return the connection preface, whose SETTINGS may give each stream this window in bytes."""
    settings = b"" if window is None else struct.pack(">HI", INITIAL_WINDOW_SIZE, window)
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings)


def request_frame(stream: int, path: str) -> bytes:
    """Return the HEADERS of a GET; its fields change no state of the server's decoder."""
    fields = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", path)]
    block = Encoder().encode([(name, value, True) for name, value in fields], huffman=False)
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, block)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def count_frames(data: bytes, kind: int) -> int:
    """Return how many whole frames of this kind the data has; it must begin with a frame."""
    found = start = 0
    while len(data) >= start + 9 and len(data) >= (
        end := start + 9 + int.from_bytes(data[start : start + 3], "big")
    ):
        found += data[start + 3] == kind
        start = end
    return found
