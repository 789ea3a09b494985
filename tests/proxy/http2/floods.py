"""What an attacker sends over HTTP/2 to keep a worker busy, or to fill its memory."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.http2 import frames, hpack
from tests.lab.http2.client import Client, head
from tests.lab.http2.frames import (
    continuation,
    data,
    frame,
    headers,
    ping,
    priority,
    rst_stream,
    settings,
    window_update,
)

BATCH = 1 << 16
"""Bytes that leave in one piece."""

SENDING = 5.0
"""Seconds without progress after which an attacker gives up sending."""

POST = headers(1, head(b"/hold", b"POST"), ended=False)
MALFORMED = hpack.block([(b":method", b"GET"), (b"X", b"y")])


def ended(client: Client) -> bool:
    """Return whether the proxy has ended the connection, or told so."""
    return client.closed or (client.goaway is not None and client.goaway.code != frames.NO_ERROR)


def repeat(client: Client, piece: Callable[[int], bytes], count: int, *, reads: bool = True) -> bool:
    """Send so many pieces as fast as possible; return whether the proxy has ended the connection."""
    client.socket.settimeout(SENDING)
    buffer = bytearray()
    for number in range(count):
        buffer += piece(number)
        if len(buffer) >= BATCH or number == count - 1:
            try:
                client.socket.settimeout(SENDING)
                client.socket.sendall(buffer)
            except (TimeoutError, OSError):
                # The proxy reads no more, or has closed.
                break
            buffer.clear()
            if reads:
                client.wait(lambda: ended(client), 0.001)
                if ended(client):
                    return True
    return client.wait(lambda: ended(client), SENDING)


@dataclass(frozen=True, slots=True)
class Flood:
    """`begin` is sent once, then `piece` for each number; all of it is far more than the proxy may take."""

    piece: Callable[[int], bytes]
    count: int
    begin: bytes = b""


def _stream(number: int) -> int:
    return 2 * number + 3


_LARGE_ENTRY = hpack.added(b"x-bomb", bytes([97]) * 4000)
_BOMB = headers(1, head() + _LARGE_ENTRY)
_REFERENCES = hpack.indexed(hpack.FIRST_DYNAMIC)

FLOODS: dict[str, Flood] = {
    "rapid reset": Flood(
        lambda number: headers(_stream(number), head(b"/hold")) + rst_stream(_stream(number)), 20_000
    ),
    "rapid reset of uploads": Flood(
        lambda number: (
            headers(_stream(number), head(method=b"POST"), ended=False) + rst_stream(_stream(number))
        ),
        20_000,
    ),
    "malformed requests": Flood(lambda number: headers(_stream(number), MALFORMED), 50_000),
    "resets that the server must send": Flood(
        lambda number: (
            headers(_stream(number), head(b"/hold", b"POST"), ended=False) + window_update(_stream(number), 0)
        ),
        20_000,
    ),
    "resets for content beyond the length": Flood(
        lambda number: (
            headers(
                _stream(number),
                head(b"/hold", b"POST", fields=[(b"content-length", b"1")]),
                ended=False,
            )
            + data(_stream(number), b"too long")
        ),
        20_000,
    ),
    "empty CONTINUATION": Flood(
        lambda number: continuation(1, b"", last=False), 100_000, headers(1, head(), flags=0)
    ),
    "long CONTINUATION": Flood(
        lambda number: continuation(1, hpack.literal(b"x-a", bytes([97]) * 16_000), last=False),
        500,
        headers(1, head(), flags=0),
    ),
    "SETTINGS": Flood(lambda number: settings(), 100_000),
    "SETTINGS of a thousand": Flood(lambda number: settings(*[(frames.INITIAL_WINDOW_SIZE, 9)] * 1000), 2000),
    "SETTINGS of table sizes": Flood(lambda number: settings((1, number % 4097)), 100_000),
    "acknowledgements of SETTINGS": Flood(lambda number: settings(ack=True), 100_000),
    "PING": Flood(lambda number: ping(), 100_000),
    "acknowledgements of PING": Flood(lambda number: ping(ack=True), 100_000),
    "empty DATA": Flood(lambda number: data(1, b""), 100_000, POST),
    "DATA of padding": Flood(lambda number: data(1, b"", padding=0), 100_000, POST),
    "DATA of a stream that the server has reset": Flood(
        lambda number: data(1, b"x"),
        100_000,
        headers(1, head(b"/hold", b"POST", fields=[(b"content-length", b"1")]), ended=False)
        + data(1, b"too long"),
    ),
    "WINDOW_UPDATE of the connection": Flood(lambda number: window_update(0, 1), 100_000),
    "WINDOW_UPDATE of a stream": Flood(lambda number: window_update(1, 1), 100_000, POST),
    "WINDOW_UPDATE of a closed stream": Flood(
        lambda number: window_update(1, 1), 100_000, POST + rst_stream(1)
    ),
    "RST_STREAM of a closed stream": Flood(lambda number: rst_stream(1), 100_000, POST + rst_stream(1)),
    "PRIORITY": Flood(lambda number: priority(_stream(number)), 100_000),
    "PRIORITY of one stream": Flood(lambda number: priority(1), 100_000),
    "unknown frames": Flood(lambda number: frame(0xBB), 100_000),
    "GOAWAY": Flood(lambda number: frames.goaway(), 100_000),
    "expansion by HPACK": Flood(
        lambda number: headers(_stream(number), head() + _REFERENCES * 16_000), 500, _BOMB
    ),
    "64,000 fields": Flood(
        lambda number: (
            headers(1, head(), flags=0)
            if not number
            else continuation(1, hpack.literal(b"a", b"") * 3200, last=number == 20)
        ),
        21,
    ),
    "64,000 fields of the static table": Flood(
        lambda number: (
            headers(1, head(), flags=0)
            if not number
            else continuation(1, hpack.indexed(16) * 16_000, last=number == 4)
        ),
        5,
    ),
    "a head of 2 MB": Flood(
        lambda number: (
            headers(1, head(), flags=0)
            if not number
            else continuation(1, hpack.literal(b"x-%d" % number, bytes([97]) * 16_000), last=number == 130)
        ),
        131,
    ),
}
