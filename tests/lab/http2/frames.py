"""Builds and parses the frames of HTTP/2 (RFC 9113 §4 and §6), valid and invalid ones alike."""

import struct
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

# The identifiers of settings.
(
    HEADER_TABLE_SIZE,
    ENABLE_PUSH,
    MAX_CONCURRENT_STREAMS,
    INITIAL_WINDOW_SIZE,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
) = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8
NO_RFC7540_PRIORITIES = 9

# The error codes.
(
    NO_ERROR,
    PROTOCOL_ERROR,
    INTERNAL_ERROR,
    FLOW_CONTROL_ERROR,
    SETTINGS_TIMEOUT,
    STREAM_CLOSED,
    FRAME_SIZE_ERROR,
    REFUSED_STREAM,
    CANCEL,
    COMPRESSION_ERROR,
    CONNECT_ERROR,
    ENHANCE_YOUR_CALM,
    INADEQUATE_SECURITY,
    HTTP_1_1_REQUIRED,
) = range(14)

LARGEST = 2**31 - 1
"""The largest stream identifier, window and window increment."""

FIRST_WINDOW = 65_535
"""The size of each window before any SETTINGS or WINDOW_UPDATE, in bytes."""

FIRST_FRAME_SIZE = 16_384
"""The largest payload before any SETTINGS, in bytes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A received frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes = b""

    def has(self, flag: int) -> bool:
        return bool(self.flags & flag)

    @property
    def content(self) -> bytes:
        """The payload without padding and priority."""
        payload = self.payload
        padding = 0
        if self.has(PADDED) and self.kind in {DATA, HEADERS}:
            padding = payload[0]
            payload = payload[1:]
        if self.has(WITH_PRIORITY) and self.kind == HEADERS:
            payload = payload[5:]
        return payload[: len(payload) - padding]

    @property
    def code(self) -> int:
        """The error code of a RST_STREAM or GOAWAY frame."""
        return int.from_bytes(self.payload[4:8] if self.kind == GOAWAY else self.payload[:4], "big")


def frame(
    kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0, length: int | None = None
) -> bytes:
    """Return any frame; `length` may lie, and the highest bit of `stream` is the reserved one."""
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def headers(stream: int, block: bytes, *, ended: bool = True, flags: int = END_HEADERS) -> bytes:
    """Return a HEADERS frame; `flags=0` leaves the block open for CONTINUATION."""
    return frame(HEADERS, block, flags=flags | (END_STREAM if ended else 0), stream=stream)


def continuation(stream: int, block: bytes, *, last: bool = True) -> bytes:
    return frame(CONTINUATION, block, flags=END_HEADERS if last else 0, stream=stream)


def data(stream: int, content: bytes, *, ended: bool = False, padding: int | None = None) -> bytes:
    """Return a DATA frame, padded if `padding` is a number of bytes."""
    flags = END_STREAM if ended else 0
    if padding is not None:
        flags |= PADDED
        content = bytes((padding,)) + content + bytes(padding)
    return frame(DATA, content, flags=flags, stream=stream)


def settings(*pairs: tuple[int, int], ack: bool = False) -> bytes:
    payload = b"".join(struct.pack(">HI", name, value) for name, value in pairs)
    return frame(SETTINGS, payload, flags=ACK if ack else 0)


def ping(payload: bytes = b"12345678", *, ack: bool = False) -> bytes:
    return frame(PING, payload, flags=ACK if ack else 0)


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, increment.to_bytes(4, "big"), stream=stream)


def rst_stream(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, code.to_bytes(4, "big"), stream=stream)


def goaway(last: int = 0, code: int = NO_ERROR, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, last.to_bytes(4, "big") + code.to_bytes(4, "big") + debug)


def priority(stream: int, parent: int = 0, weight: int = 15) -> bytes:
    return frame(PRIORITY, parent.to_bytes(4, "big") + bytes((weight,)), stream=stream)


def take_frame(buffer: bytearray) -> Frame | None:
    """Remove the first frame of the buffer and return it; None while it is incomplete."""
    if len(buffer) < 9:
        return None
    end = 9 + int.from_bytes(buffer[:3], "big")
    if len(buffer) < end:
        return None
    found = Frame(buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big") & LARGEST, bytes(buffer[9:end]))
    del buffer[:end]
    return found
