"""Streams: states, identifiers, priority (RFC 9113 §5)."""

from tests.lab.http2 import frames, hpack
from tests.lab.http2.client import head
from tests.lab.http2.frames import (
    FRAME_SIZE_ERROR,
    LARGEST,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    continuation,
    data,
    frame,
    headers,
    priority,
    rst_stream,
    window_update,
)
from tests.proxy.http2.rows.row import (
    ALIVE,
    Outcome,
    Row,
    answered,
    connection_error,
    over,
    row,
    stream_error,
    turn,
)

GET = headers(1, head())
POST = headers(1, head(method=b"POST"), ended=False)
HELD = headers(1, head(b"/hold"))
"""A request that gets no response: its stream stays half-closed (remote)."""

TRAILERS = headers(1, hpack.block([(b"x-sum", b"1")]))

_AFTER_THE_END = stream_error(STREAM_CLOSED)
_IDS = connection_error(PROTOCOL_ERROR, STREAM_CLOSED)

IDLE: list[Row] = [
    row("5.1", "DATA on an idle stream", data(1, b"x", ended=True), then=connection_error(PROTOCOL_ERROR)),
    row("5.1", "RST_STREAM on an idle stream", rst_stream(1), then=connection_error(PROTOCOL_ERROR)),
    row("5.1", "WINDOW_UPDATE on an idle stream", window_update(1, 1), then=connection_error(PROTOCOL_ERROR)),
    row(
        "5.1",
        "CONTINUATION on an idle stream",
        continuation(1, head()),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "5.1",
        "DATA on an idle stream above one that is over",
        GET,
        over(),
        data(3, b"x"),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row("5.1", "PRIORITY on an idle stream", priority(1), GET, then=answered()),
    row("5.1", "PRIORITY on an idle stream of a high number", priority(999), GET, then=answered()),
]

HALF_CLOSED: list[Row] = [
    row("5.1", "DATA after END_STREAM", HELD, turn, data(1, b"x"), then=_AFTER_THE_END),
    row(
        "5.1",
        "DATA with END_STREAM after END_STREAM",
        HELD,
        turn,
        data(1, b"", ended=True),
        then=_AFTER_THE_END,
    ),
    row(
        "5.1",
        "HEADERS after END_STREAM",
        HELD,
        turn,
        headers(1, head()),
        then=stream_error(STREAM_CLOSED) | connection_error(PROTOCOL_ERROR),
    ),
    row("5.1", "DATA at once after END_STREAM", HELD + data(1, b"x"), then=_AFTER_THE_END),
    row(
        "5.1",
        "DATA after END_STREAM of DATA",
        headers(1, head(b"/hold", b"POST"), ended=False),
        data(1, b"x", ended=True),
        turn,
        data(1, b"x"),
        then=_AFTER_THE_END,
    ),
    row(
        "5.1",
        "DATA after trailers",
        headers(1, head(b"/hold", b"POST"), ended=False),
        TRAILERS,
        turn,
        data(1, b"x"),
        then=_AFTER_THE_END,
    ),
    row("5.1", "WINDOW_UPDATE after END_STREAM", HELD, turn, window_update(1, 1), then=ALIVE),
    row("5.1", "PRIORITY after END_STREAM", HELD, turn, priority(1), then=ALIVE),
    row("5.1", "RST_STREAM after END_STREAM", HELD, turn, rst_stream(1), then=ALIVE),
]

# What comes on a closed stream may be ignored, or be an error of stream or connection (§5.1).
_CLOSED = stream_error(STREAM_CLOSED) | ALIVE

CLOSED: list[Row] = [
    row("5.1", "DATA on a closed stream", GET, over(), data(1, b"x"), then=_CLOSED),
    row(
        "5.1",
        "HEADERS on a closed stream",
        GET,
        over(),
        headers(1, head()),
        then=_IDS | stream_error(STREAM_CLOSED),
    ),
    row("5.1", "WINDOW_UPDATE shortly after the end", GET, over(), window_update(1, 1), then=ALIVE),
    row("5.1", "RST_STREAM shortly after the end", GET, over(), rst_stream(1), then=ALIVE),
    row("5.1", "PRIORITY shortly after the end", GET, over(), priority(1), then=ALIVE),
    row("5.1", "DATA after RST_STREAM", POST, rst_stream(1), data(1, b"x"), then=_CLOSED),
    row(
        "5.1",
        "HEADERS after RST_STREAM",
        POST,
        rst_stream(1),
        headers(1, head()),
        then=_IDS | stream_error(STREAM_CLOSED),
    ),
    row("5.1", "WINDOW_UPDATE after RST_STREAM", POST, rst_stream(1), window_update(1, 1), then=_CLOSED),
    row("5.1", "RST_STREAM after RST_STREAM", POST, rst_stream(1), rst_stream(1), then=_CLOSED),
    row("5.1", "PRIORITY after RST_STREAM", POST, rst_stream(1), priority(1), then=ALIVE),
    row("5.1", "unknown frame on a closed stream", GET, over(), frame(0x77, b"x", stream=1), then=ALIVE),
    # The server's own RST_STREAM may cross with these.
    row(
        "5.1",
        "DATA after the server's RST_STREAM",
        headers(1, head(b"")),
        data(1, b"x"),
        then=Outcome(alive=True, connection=frozenset({PROTOCOL_ERROR, STREAM_CLOSED})),
    ),
    row(
        "5.1",
        "trailers after the server's RST_STREAM",
        headers(1, head(fields=[(b"Upper", b"x")], method=b"POST"), ended=False),
        TRAILERS,
        then=Outcome(alive=True, connection=frozenset({PROTOCOL_ERROR})),
    ),
]

IDENTIFIERS: list[Row] = [
    row("5.1.1", "an even number", headers(2, head()), then=connection_error(PROTOCOL_ERROR)),
    row("5.1.1", "a lower number", headers(5, head()), over(5), headers(3, head()), then=_IDS),
    row(
        "5.1.1",
        "a lower number while the higher is open",
        headers(5, head(b"/hold")),
        headers(3, head()),
        then=_IDS,
    ),
    row("5.1.1", "numbers with gaps", headers(7, head()), headers(101, head()), then=answered(on=101)),
    Row("5.1.1", "the highest number", (headers(LARGEST, head()),), answered(on=LARGEST), probes=False),
    row("5.1.1", "HEADERS on the connection", headers(0, head()), then=connection_error(PROTOCOL_ERROR)),
    row("5.1.1", "DATA on an even number", data(2, b"x"), then=connection_error(PROTOCOL_ERROR)),
    row(
        "5.1.1", "WINDOW_UPDATE on an even number", window_update(2, 5), then=connection_error(PROTOCOL_ERROR)
    ),
    row("5.1.1", "RST_STREAM on an even number", rst_stream(2), then=connection_error(PROTOCOL_ERROR)),
]


def _with_priority(payload: bytes, block: bytes = head()) -> bytes:
    return frame(frames.HEADERS, payload + block, flags=0x25, stream=1)


PRIORITIES: list[Row] = [
    row("6.2", "HEADERS with a priority", _with_priority(b"\0\0\0\0\x0f"), then=answered()),
    row("6.2", "HEADERS with an exclusive priority", _with_priority(b"\x80\0\0\x03\xff"), then=answered()),
    # RFC 7540 called these errors of the stream; RFC 9113 does not mention them any more.
    row(
        "5.3",
        "HEADERS that depend on themselves",
        _with_priority(b"\0\0\0\x01\x0f"),
        then=answered() | stream_error(PROTOCOL_ERROR),
    ),
    row(
        "5.3",
        "PRIORITY that depends on itself",
        POST,
        priority(1, 1),
        data(1, b"", ended=True),
        then=answered() | stream_error(PROTOCOL_ERROR),
    ),
    row(
        "6.3",
        "PRIORITY of 4 bytes on an idle stream",
        frame(frames.PRIORITY, bytes(4), stream=5),
        then=connection_error(FRAME_SIZE_ERROR),
    ),
    row(
        "5.3",
        "PRIORITY that depends on itself on an idle stream",
        priority(5, 5),
        GET,
        then=answered(),
        check=lambda client: not client.count(frames.RST_STREAM),
    ),
    row("6.3", "PRIORITY on the connection", priority(0), then=connection_error(PROTOCOL_ERROR)),
    *(
        row(
            "6.3",
            f"PRIORITY of {size} bytes",
            POST,
            frame(frames.PRIORITY, bytes(size), stream=1),
            then=stream_error(FRAME_SIZE_ERROR),
        )
        for size in (0, 4, 6)
    ),
    row("6.3", "PRIORITY on an open stream", POST, priority(1, 3), data(1, b"", ended=True), then=answered()),
]

ROWS = IDLE + HALF_CLOSED + CLOSED + IDENTIFIERS + PRIORITIES
