"""Header blocks between frames (RFC 9113 §4.3, §6.10)."""

from collections.abc import Iterator

from tests.lab.http2 import frames, hpack
from tests.lab.http2.client import head
from tests.lab.http2.frames import (
    COMPRESSION_ERROR,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    continuation,
    data,
    frame,
    goaway,
    headers,
    ping,
    priority,
    rst_stream,
    settings,
    window_update,
)
from tests.proxy.http2.rows.row import Row, answered, connection_error, over, row

GET = headers(1, head())
POST = headers(1, head(method=b"POST"), ended=False)
OPEN = headers(1, head()[:10], flags=0)
"""The first part of a header block; the rest must follow at once."""

REST = continuation(1, head()[10:])

_BETWEEN = {
    "PING": ping(),
    "SETTINGS": settings(),
    "an acknowledgement": settings(ack=True),
    "WINDOW_UPDATE of the connection": window_update(0, 1),
    "WINDOW_UPDATE of the stream": window_update(1, 1),
    "DATA of the stream": data(1, b"x"),
    "RST_STREAM of the stream": rst_stream(1),
    "PRIORITY of the stream": priority(1),
    "PRIORITY of another stream": priority(3),
    "HEADERS of the stream": GET,
    "HEADERS of another stream": headers(3, head()),
    "CONTINUATION of another stream": continuation(3, head()[10:]),
    "CONTINUATION of the connection": continuation(0, head()[10:]),
    "GOAWAY": goaway(),
    "an unknown frame": frame(0x77, b"x", stream=1),
    "PUSH_PROMISE": frame(frames.PUSH_PROMISE, b"\0\0\0\2" + head(), flags=4, stream=1),
}


def _split(block: bytes, size: int) -> bytes:
    pieces = [block[start : start + size] for start in range(0, len(block), size)]
    return headers(1, pieces[0], flags=0) + b"".join(
        continuation(1, piece, last=number == len(pieces)) for number, piece in enumerate(pieces[1:], 2)
    )


def _splits() -> Iterator[Row]:
    block = head(fields=[(b"x-one", b"1"), (b"x-two", b"22")])
    for size in (1, 2, 3, 7, 40):
        yield row("6.10", f"a block in pieces of {size}", _split(block, size), then=answered())


ROWS: list[Row] = [
    *(
        row(
            "4.3" if name != "an unknown frame" else "5.5",
            f"{name} within a header block",
            OPEN,
            between,
            REST,
            then=connection_error(PROTOCOL_ERROR),
        )
        for name, between in _BETWEEN.items()
    ),
    *_splits(),
    row(
        "6.10",
        "empty HEADERS before the block",
        headers(1, b"", flags=0) + continuation(1, head()),
        then=answered(),
    ),
    row(
        "6.10",
        "empty CONTINUATION after the block",
        headers(1, head(), flags=0) + continuation(1, b""),
        then=answered(),
    ),
    row(
        "6.10",
        "a block without END_STREAM, then the end as DATA",
        headers(1, head(method=b"POST")[:5], ended=False, flags=0),
        continuation(1, head(method=b"POST")[5:]),
        data(1, b"", ended=True),
        then=answered(),
    ),
    row(
        "6.10", "CONTINUATION without HEADERS", continuation(1, head()), then=connection_error(PROTOCOL_ERROR)
    ),
    row(
        "6.10",
        "CONTINUATION on the connection",
        continuation(0, head()),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.10",
        "CONTINUATION after a whole block",
        POST,
        continuation(1, hpack.block([(b"x-a", b"b")])),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.10",
        "CONTINUATION after DATA",
        POST,
        data(1, b"x"),
        continuation(1, hpack.block([(b"x-a", b"b")])),
        then=connection_error(PROTOCOL_ERROR),
    ),
    row(
        "6.10",
        "CONTINUATION after the stream's end",
        GET,
        over(),
        continuation(1, head()),
        then=connection_error(PROTOCOL_ERROR, STREAM_CLOSED),
    ),
    row(
        "4.3", "a block that cannot be decoded", headers(1, b"\x80"), then=connection_error(COMPRESSION_ERROR)
    ),
    row(
        "4.3",
        "trailers that cannot be decoded",
        POST,
        headers(1, b"\x80"),
        then=connection_error(COMPRESSION_ERROR),
    ),
    row(
        "4.3",
        "a block that cannot be decoded on a stream that is reset",
        POST,
        rst_stream(1),
        headers(3, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        then=connection_error(COMPRESSION_ERROR),
    ),
]
