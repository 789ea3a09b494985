"""Flow control and WINDOW_UPDATE (RFC 9113 §5.2, §6.9)."""

from collections.abc import Callable, Sequence

from tests.lab.http2 import frames
from tests.lab.http2.client import Client, head
from tests.lab.http2.frames import (
    FIRST_WINDOW,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    INITIAL_WINDOW_SIZE,
    LARGEST,
    PROTOCOL_ERROR,
    data,
    frame,
    headers,
    settings,
    window_update,
)
from tests.lab.http2.hpack import Field
from tests.proxy.http2.rows.row import (
    Row,
    Step,
    answered,
    connection_error,
    over,
    received,
    row,
    stream_error,
    turn,
    without_grants,
)

GET = headers(1, head())
POST = headers(1, head(method=b"POST"), ended=False)
LARGE = headers(1, head(b"/large"))
"""The request for a response of 300,000 bytes."""

END = data(1, b"", ended=True)


def _holds(size: int, number: int = 1) -> Callable[[Client], bool]:
    return lambda client: len(client.stream(number).content) == size


def _exactly(size: int, number: int = 1) -> Step:
    """Wait for this much content, and assert that no more comes."""

    def step(client: Client) -> None:
        received(number, size)(client)  # type: ignore[operator]
        turn(client)
        turn(client)
        assert len(client.stream(number).content) == size, client.told()
        assert not client.stream(number).ended, client.told()

    return step


UPDATES: list[Row] = [
    row(
        "6.9", "increment of 0 on the connection", window_update(0, 0), then=connection_error(PROTOCOL_ERROR)
    ),
    row("6.9", "increment of 0 on a stream", POST, window_update(1, 0), then=stream_error(PROTOCOL_ERROR)),
    row("6.9", "increment with the reserved bit", POST, window_update(1, 0x80000001), END, then=answered()),
    row(
        "6.9",
        "reserved bit and an increment of 0",
        POST,
        window_update(1, 0x80000000),
        then=stream_error(PROTOCOL_ERROR),
    ),
    *(
        row(
            "6.9",
            f"WINDOW_UPDATE of {size} bytes",
            frame(frames.WINDOW_UPDATE, bytes(size)),
            then=connection_error(FRAME_SIZE_ERROR),
        )
        for size in (0, 3, 5)
    ),
    row(
        "6.9",
        "WINDOW_UPDATE of 3 bytes on a stream",
        POST,
        frame(frames.WINDOW_UPDATE, bytes(3), stream=1),
        then=connection_error(FRAME_SIZE_ERROR),
    ),
    row(
        "6.9.1",
        "window of the connection grows to the maximum",
        window_update(0, LARGEST - FIRST_WINDOW),
        GET,
        then=answered(),
    ),
    row(
        "6.9.1",
        "window of the connection overflows by 1",
        window_update(0, LARGEST - FIRST_WINDOW + 1),
        then=connection_error(FLOW_CONTROL_ERROR),
    ),
    row(
        "6.9.1",
        "window of the connection overflows in two steps",
        window_update(0, LARGEST - FIRST_WINDOW),
        window_update(0, 1),
        then=connection_error(FLOW_CONTROL_ERROR),
    ),
    row(
        "6.9.1",
        "window of a stream grows to the maximum",
        POST,
        window_update(1, LARGEST - FIRST_WINDOW),
        END,
        then=answered(),
    ),
    row(
        "6.9.1",
        "window of a stream overflows by 1",
        POST,
        window_update(1, LARGEST - FIRST_WINDOW + 1),
        then=stream_error(FLOW_CONTROL_ERROR),
    ),
    row(
        "6.9.1",
        "window of a stream overflows twice",
        POST,
        window_update(1, LARGEST),
        window_update(1, LARGEST),
        then=stream_error(FLOW_CONTROL_ERROR),
    ),
    row(
        "6.9.2",
        "SETTINGS let the window of an open stream overflow",
        POST,
        window_update(1, 1 << 20),
        settings((INITIAL_WINDOW_SIZE, LARGEST)),
        then=connection_error(FLOW_CONTROL_ERROR),
    ),
    row(
        "6.9.2",
        "SETTINGS let the window of an open stream reach the maximum",
        POST,
        window_update(1, 1),
        settings((INITIAL_WINDOW_SIZE, LARGEST - 1)),
        END,
        then=answered(),
    ),
]


def _windows() -> list[Row]:
    small = settings((INITIAL_WINDOW_SIZE, 3))
    rows = [
        row(
            "6.9.2",
            "a window of 3 bytes holds the response back",
            small,
            GET,
            _exactly(3),
            window_update(1, 2),
            then=answered(),
            check=_holds(5),
        ),
        row(
            "6.9.2",
            "a window of 1 byte, byte by byte",
            settings((INITIAL_WINDOW_SIZE, 1)),
            GET,
            *(step for size in (1, 2, 3, 4) for step in (_exactly(size), window_update(1, 1))),
            then=answered(),
            check=_holds(5),
        ),
        row(
            "6.9.2",
            "a window of 0 lets the head pass",
            settings((INITIAL_WINDOW_SIZE, 0)),
            GET,
            _exactly(0),
            window_update(1, 5),
            then=answered(),
            check=_holds(5),
        ),
        row(
            "6.9.1",
            "a window of 0 lets a response without content end",
            settings((INITIAL_WINDOW_SIZE, 0)),
            headers(1, head(method=b"HEAD")),
            then=answered(),
            check=_holds(0),
        ),
        row(
            "6.9.2",
            "SETTINGS enlarge the window of an open stream",
            small,
            GET,
            _exactly(3),
            settings((INITIAL_WINDOW_SIZE, 5)),
            then=answered(),
            check=_holds(5),
        ),
        row(
            "6.9.2",
            "SETTINGS make a window negative",
            settings((INITIAL_WINDOW_SIZE, 4)),
            GET,
            _exactly(4),
            settings((INITIAL_WINDOW_SIZE, 0)),
            window_update(1, 4),
            _exactly(4),
            window_update(1, 1),
            then=answered(),
            check=_holds(5),
        ),
        row(
            "6.9.2",
            "SETTINGS do not change the connection's window",
            settings((INITIAL_WINDOW_SIZE, 1_000_000)),
            LARGE,
            _exactly(FIRST_WINDOW),
            window_update(0, 1_000_000),
            then=answered(),
            check=_holds(300_000),
        ),
        row(
            "6.9.1",
            "the stream's window ends before the connection's",
            window_update(0, 1_000_000),
            LARGE,
            _exactly(FIRST_WINDOW),
            window_update(1, 1_000_000),
            then=answered(),
            check=_holds(300_000),
        ),
        row(
            "6.9.1",
            "windows of stream and connection together",
            LARGE,
            _exactly(FIRST_WINDOW),
            window_update(0, 1_000_000),
            turn,
            window_update(1, 1_000_000),
            then=answered(),
            check=_holds(300_000),
        ),
        row(
            "6.9.1",
            "the connection's window grows by one byte",
            settings((INITIAL_WINDOW_SIZE, 1_000_000)),
            LARGE,
            _exactly(FIRST_WINDOW),
            window_update(0, 1),
            _exactly(FIRST_WINDOW + 1),
            window_update(0, 1_000_000),
            then=answered(),
            check=_holds(300_000),
        ),
        row(
            "6.9.1",
            "a held stream does not hold up another one",
            small,
            window_update(0, 1 << 20),
            GET,
            _exactly(3),
            headers(3, head()),
            window_update(3, 2),
            over(3),
            window_update(1, 2),
            then=answered(),
            check=_holds(5),
        ),
        row(
            "4.2",
            "no frame is above the client's largest size",
            window_update(0, 1 << 20),
            settings((INITIAL_WINDOW_SIZE, 1 << 20)),
            LARGE,
            then=answered(),
            check=lambda client: (
                client.stream(1).ended and all(len(f.payload) <= 16_384 for f in client.frames)
            ),
        ),
    ]
    return [without_grants(each) for each in rows]


def _exceed_stream(client: Client) -> None:
    """Send more content than the stream's window, whatever that grows to."""
    number = 1
    for _ in range(4000):
        client.wait(lambda: client.closed or client.goaway or client.stream(number).over, 0)
        if client.closed or client.goaway or client.stream(number).over:
            return
        if client.windows[0] < 16_384:
            turn(client)
        client.windows[0] -= 16_384
        client.send(data(number, bytes(16_384)))


EXCESS: list[Row] = [
    row(
        "6.9.1",
        "content beyond all windows",
        headers(1, head(b"/unread", b"POST"), ended=False),
        _exceed_stream,
        then=stream_error(FLOW_CONTROL_ERROR),
    ),
]

UPLOADS: list[Row] = [
    row(
        "6.9.1",
        "windows are given back for padding",
        POST,
        lambda client: _upload(client, 1200, data(1, b"x", padding=255)),
        END,
        then=answered(),
    ),
    row(
        "6.9.1",
        "windows are given back for streams that the client resets",
        lambda client: _uploads(client, 80, resets=True),
        headers(201, head()),
        then=answered(on=201),
    ),
    row(
        "6.9.1",
        "windows are given back for streams that the server resets",
        lambda client: _uploads(client, 80, [(b"Upper", b"x")]),
        headers(201, head()),
        then=answered(on=201),
    ),
]


def _upload(client: Client, count: int, piece: bytes) -> None:
    size = len(piece) - 9
    for _ in range(count):
        if not client.wait(lambda: client.window(1) >= size, 5):
            return
        client.windows[0] -= size
        client.windows[1] -= size
        client.send(piece)


def _uploads(client: Client, count: int, fields: Sequence[Field] = (), *, resets: bool = False) -> None:
    """Begin uploads that end in a reset by either side; content of each comes before and after that."""
    for number in range(1, 2 * count, 2):
        if not client.wait(lambda: client.windows[0] >= 16_384, 5):
            return
        client.windows[0] -= 16_384
        client.send(
            headers(number, head(method=b"POST", fields=fields), ended=False),
            data(number, bytes(8192)),
            data(number, bytes(8192)),
            frames.rst_stream(number) if resets else b"",
        )


ROWS = UPDATES + _windows() + EXCESS + UPLOADS
