"""The frames of HTTP/2 as bytes (RFC 9113 §4 and §6)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""The first bytes of a client (§3.4)."""

DATA = 0
HEADERS = 1
PRIORITY = 2
RST_STREAM = 3
SETTINGS = 4
PUSH_PROMISE = 5
PING = 6
GOAWAY = 7
WINDOW_UPDATE = 8
CONTINUATION = 9

END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

HEADER_SIZE = 9
DEFAULT_FRAME_SIZE = 16384
"""The most bytes of a payload, unless the peer allows more."""
MAX_STREAM_ID = 0x7FFFFFFF

HEADER = Struct(">BHBBI")
"""A frame's header: its length in two parts, type, flags, stream."""

_LONG = Struct(">I")
_GO_AWAY = Struct(">II")
_SETTING = Struct(">HI")


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    length = len(payload)
    return HEADER.pack(length >> 16, length & 0xFFFF, kind, flags, stream_id) + payload


def headers_frames(stream_id: int, block: bytes, *, ended: bool, frame_size: int) -> bytes:
    """Return a HEADERS frame with this header block, and CONTINUATION frames if it is longer than one."""
    flags = END_STREAM if ended else 0
    if len(block) <= frame_size:
        return frame(HEADERS, flags | END_HEADERS, stream_id, block)
    frames = [frame(HEADERS, flags, stream_id, block[:frame_size])]
    for start in range(frame_size, len(block), frame_size):
        last = END_HEADERS if start + frame_size >= len(block) else 0
        frames.append(frame(CONTINUATION, last, stream_id, block[start : start + frame_size]))
    return b"".join(frames)


def settings_frame(values: Iterable[tuple[int, int]]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*each) for each in values))


SETTINGS_ACK = frame(SETTINGS, ACK, 0)


def parse_settings(payload: bytes) -> list[tuple[int, int]]:
    """Return the settings in order; the length of `payload` is a multiple of six."""
    return list(_SETTING.iter_unpack(payload))


def reset_frame(stream_id: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream_id, _LONG.pack(code))


def window_frame(stream_id: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream_id, _LONG.pack(increment))


def ping_frame(payload: bytes, *, ack: bool = False) -> bytes:
    return frame(PING, ACK if ack else 0, 0, payload)


def go_away_frame(last_stream_id: int, code: int, reason: str = "") -> bytes:
    return frame(GOAWAY, 0, 0, _GO_AWAY.pack(last_stream_id, code) + reason.encode()[:200])


def long_of(payload: bytes, start: int = 0) -> int:
    """Return the number in four bytes of the payload."""
    number: int = _LONG.unpack_from(payload, start)[0]
    return number


def without_padding(flags: int, payload: bytes) -> bytes | None:
    """Return the payload of a frame that may be PADDED; None if the padding is longer than the frame."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        return None
    return payload[1 : len(payload) - payload[0]]
