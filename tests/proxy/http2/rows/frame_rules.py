"""The rules of single frames (RFC 9113 §6.1 to §6.8)."""

from tests.lab.http2 import frames
from tests.lab.http2.client import Client, head
from tests.lab.http2.frames import (
    ENABLE_PUSH,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    HEADER_TABLE_SIZE,
    INITIAL_WINDOW_SIZE,
    LARGEST,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    Frame,
    data,
    frame,
    headers,
    ping,
    rst_stream,
    settings,
)
from tests.proxy.http2.rows.row import (
    ALIVE,
    Outcome,
    Row,
    answered,
    connection_error,
    over,
    row,
)

GET = headers(1, head())
POST = headers(1, head(method=b"POST"), ended=False)
END = data(1, b"", ended=True)


def _padded(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return frame(kind, payload, flags=flags | frames.PADDED, stream=1)


PADDING: list[Row] = [
    row("6.1", "DATA on the connection", data(0, b"x"), then=connection_error(PROTOCOL_ERROR)),
    row("6.1", "DATA with padding", POST, data(1, b"x", padding=10), END, then=answered()),
    row("6.1", "DATA with the longest padding", POST, data(1, b"x", padding=255), END, then=answered()),
    row("6.1", "DATA with padding of 0", POST, data(1, b"x", padding=0), END, then=answered()),
    row("6.1", "DATA of nothing but padding", POST, data(1, b"", padding=9, ended=True), then=answered()),
    row(
        "6.1",
        "DATA with padding as long as the payload",
        POST,
        _padded(frames.DATA, b"\x04abc"),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.1",
        "DATA with padding longer than the payload",
        POST,
        _padded(frames.DATA, b"\xffabc"),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.1",
        "padded DATA without a length of padding",
        POST,
        _padded(frames.DATA, b""),
        then=connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR),
    ),
    # A receiver may check that padding is zeros.
    row(
        "6.1",
        "DATA with padding that is not zero",
        POST,
        _padded(frames.DATA, b"\x03ab\x01\x02\x03"),
        END,
        then=answered() | connection_error(PROTOCOL_ERROR),
    ),
    row("6.1", "empty DATA", POST, data(1, b""), data(1, b"x"), data(1, b""), END, then=answered()),
    row(
        "6.2",
        "HEADERS with padding",
        _padded(frames.HEADERS, b"\x05" + head() + bytes(5), 5),
        then=answered(),
    ),
    row(
        "6.2",
        "HEADERS with padding and priority",
        _padded(frames.HEADERS, b"\x05\0\0\0\0\x0f" + head() + bytes(5), 0x25),
        then=answered(),
    ),
    row(
        "6.2",
        "HEADERS of padding, then CONTINUATION",
        _padded(frames.HEADERS, b"\x03\0\0\0", 1) + frames.continuation(1, head()),
        then=answered(),
    ),
    row(
        "6.2",
        "HEADERS with padding longer than the payload",
        _padded(frames.HEADERS, b"\xff" + head(), 5),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.2",
        "HEADERS with padding as long as the payload",
        _padded(frames.HEADERS, b"\x04\x82\x86\x84", 5),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.2",
        "HEADERS with priority and padding over the block",
        _padded(frames.HEADERS, b"\x04\0\0\0\0\x0f\x82\x86\x84", 0x25),
        then=connection_error(PROTOCOL_ERROR, FRAME_SIZE_ERROR),
    ),
    row(
        "6.2",
        "padded HEADERS without a length of padding",
        _padded(frames.HEADERS, b"", 5),
        then=connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR),
    ),
    row(
        "6.2",
        "HEADERS too short for its priority",
        frame(frames.HEADERS, b"\0\0\0\0", flags=0x25, stream=1),
        then=connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR),
    ),
    row(
        "6.2",
        "HEADERS too short for its padding and priority",
        frame(frames.HEADERS, b"\x01\0\0\0\0", flags=0x2D, stream=1),
        then=connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR),
    ),
]

RESETS: list[Row] = [
    row("6.4", "RST_STREAM on the connection", rst_stream(0), then=connection_error(PROTOCOL_ERROR)),
    *(
        row(
            "6.4",
            f"RST_STREAM of {size} bytes",
            POST,
            frame(frames.RST_STREAM, bytes(size), stream=1),
            then=connection_error(FRAME_SIZE_ERROR),
        )
        for size in (0, 3, 5)
    ),
    *(
        row("7", f"RST_STREAM with code {code:#x}", POST, rst_stream(1, code), then=ALIVE)
        for code in (0, 1, 8, 13, 14, 0xFFFFFFFF)
    ),
]


def _setting(name: str, *pairs: tuple[int, int], then: Outcome) -> Row:
    return row("6.5.2", name, settings(*pairs), GET, then=then)


def _is_acknowledged(client: Client) -> bool:
    return client.count(frames.SETTINGS, flags=frames.ACK) >= 2


def _all_acknowledged(client: Client) -> bool:
    return client.count(frames.SETTINGS, flags=frames.ACK) == 6


SETTINGS: list[Row] = [
    row(
        "6.5",
        "acknowledgement with a payload",
        frame(frames.SETTINGS, bytes(6), flags=frames.ACK),
        then=connection_error(FRAME_SIZE_ERROR),
    ),
    row(
        "6.5",
        "acknowledgement with one byte",
        frame(frames.SETTINGS, b"x", flags=frames.ACK),
        then=connection_error(FRAME_SIZE_ERROR),
    ),
    row(
        "6.5", "SETTINGS on a stream", frame(frames.SETTINGS, stream=1), then=connection_error(PROTOCOL_ERROR)
    ),
    row(
        "6.5",
        "SETTINGS on an open stream",
        POST,
        frame(frames.SETTINGS, stream=1),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.5",
        "acknowledgement on a stream",
        frame(frames.SETTINGS, stream=1, flags=frames.ACK),
        then=connection_error(PROTOCOL_ERROR),
    ),
    *(
        row(
            "6.5",
            f"SETTINGS of {size} bytes",
            frame(frames.SETTINGS, bytes(size)),
            then=connection_error(FRAME_SIZE_ERROR),
        )
        for size in (1, 3, 5, 7, 13)
    ),
    row(
        "6.5.3",
        "SETTINGS are acknowledged",
        settings((MAX_CONCURRENT_STREAMS, 50)),
        then=ALIVE,
        check=_is_acknowledged,
    ),
    row("6.5.3", "each SETTINGS is acknowledged", *[settings()] * 5, then=ALIVE, check=_all_acknowledged),
    _setting("ENABLE_PUSH of 0", (ENABLE_PUSH, 0), then=answered()),
    _setting("ENABLE_PUSH of 1", (ENABLE_PUSH, 1), then=answered()),
    _setting("ENABLE_PUSH of 2", (ENABLE_PUSH, 2), then=connection_error(PROTOCOL_ERROR)),
    _setting("ENABLE_PUSH of 2^32-1", (ENABLE_PUSH, 2**32 - 1), then=connection_error(PROTOCOL_ERROR)),
    _setting("INITIAL_WINDOW_SIZE of 2^31-1", (INITIAL_WINDOW_SIZE, LARGEST), then=answered()),
    _setting(
        "INITIAL_WINDOW_SIZE of 2^31", (INITIAL_WINDOW_SIZE, 2**31), then=connection_error(FLOW_CONTROL_ERROR)
    ),
    _setting(
        "INITIAL_WINDOW_SIZE of 2^32-1",
        (INITIAL_WINDOW_SIZE, 2**32 - 1),
        then=connection_error(FLOW_CONTROL_ERROR),
    ),
    _setting("MAX_FRAME_SIZE of 2^14", (MAX_FRAME_SIZE, 2**14), then=answered()),
    _setting("MAX_FRAME_SIZE of 2^24-1", (MAX_FRAME_SIZE, 2**24 - 1), then=answered()),
    _setting("MAX_FRAME_SIZE of 2^14-1", (MAX_FRAME_SIZE, 2**14 - 1), then=connection_error(PROTOCOL_ERROR)),
    _setting("MAX_FRAME_SIZE of 0", (MAX_FRAME_SIZE, 0), then=connection_error(PROTOCOL_ERROR)),
    _setting("MAX_FRAME_SIZE of 2^24", (MAX_FRAME_SIZE, 2**24), then=connection_error(PROTOCOL_ERROR)),
    _setting("MAX_CONCURRENT_STREAMS of 0", (MAX_CONCURRENT_STREAMS, 0), then=answered()),
    _setting("MAX_HEADER_LIST_SIZE of 2^32-1", (MAX_HEADER_LIST_SIZE, 2**32 - 1), then=answered()),
    _setting("HEADER_TABLE_SIZE of 0", (HEADER_TABLE_SIZE, 0), then=answered()),
    _setting("HEADER_TABLE_SIZE of 2^32-1", (HEADER_TABLE_SIZE, 2**32 - 1), then=answered()),
    _setting("unknown settings", (0xFF, 1), (0, 7), (0x1234, 2**32 - 1), then=answered()),
    _setting("a setting twice", (INITIAL_WINDOW_SIZE, 0), (INITIAL_WINDOW_SIZE, 100), then=answered()),
    _setting(
        "an invalid setting behind valid ones",
        (INITIAL_WINDOW_SIZE, 1),
        (ENABLE_PUSH, 5),
        then=connection_error(PROTOCOL_ERROR),
    ),
]

OTHERS: list[Row] = [
    *(
        row(
            "6.6",
            f"PUSH_PROMISE on {name}",
            *opening,
            frame(frames.PUSH_PROMISE, b"\0\0\0\2" + head(), flags=frames.END_HEADERS, stream=stream),
            then=connection_error(PROTOCOL_ERROR, STREAM_CLOSED),
        )
        for name, opening, stream in (
            ("an open stream", (POST,), 1),
            ("an idle stream", (), 1),
            ("the connection", (), 0),
            ("a closed stream", (GET, over()), 1),
        )
    ),
    row(
        "6.7",
        "PING is acknowledged with its payload",
        ping(b"\0\xff\x01\xfe\r\n\r\n"),
        then=ALIVE,
        check=lambda client: Frame(frames.PING, frames.ACK, 0, b"\0\xff\x01\xfe\r\n\r\n") in client.frames,
    ),
    row(
        "6.7",
        "acknowledgement of a PING is not acknowledged",
        ping(b"unsentxx", ack=True),
        GET,
        then=answered(),
        check=lambda client: not any(each.payload == b"unsentxx" for each in client.frames),
    ),
    row(
        "6.7",
        "PING on a stream",
        frame(frames.PING, bytes(8), stream=1),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.7",
        "PING on an open stream",
        POST,
        frame(frames.PING, bytes(8), stream=1),
        then=connection_error(PROTOCOL_ERROR),
    ),
    *(
        row(
            "6.7",
            f"PING of {size} bytes",
            frame(frames.PING, bytes(size)),
            then=connection_error(FRAME_SIZE_ERROR),
        )
        for size in (0, 6, 7, 9, 16)
    ),
    row(
        "6.7",
        "acknowledgement of 7 bytes",
        frame(frames.PING, bytes(7), flags=frames.ACK),
        then=connection_error(FRAME_SIZE_ERROR),
    ),
    row(
        "6.7",
        "PING while a stream is open",
        POST,
        ping(b"openopen"),
        data(1, b"", ended=True),
        then=answered(),
        check=lambda client: Frame(frames.PING, frames.ACK, 0, b"openopen") in client.frames,
    ),
    row(
        "6.8",
        "GOAWAY on a stream",
        frame(frames.GOAWAY, bytes(8), stream=1),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row("6.8", "GOAWAY of 7 bytes", frame(frames.GOAWAY, bytes(7)), then=connection_error(FRAME_SIZE_ERROR)),
    row("6.8", "GOAWAY of 0 bytes", frame(frames.GOAWAY), then=connection_error(FRAME_SIZE_ERROR)),
]

ROWS = PADDING + RESETS + SETTINGS + OTHERS
