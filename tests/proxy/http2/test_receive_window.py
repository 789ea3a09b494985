"""How much content connections hold that nobody takes, and who goes on meanwhile."""

import pytest

from proxy.http1.limits import Limits
from proxy.http2.errors import ConnectionFault
from proxy.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PREFACE,
    RST_STREAM,
    WINDOW_UPDATE,
    frame,
    settings_frame,
)
from proxy.http2.output import Output
from proxy.http2.receive_window import LARGEST_WINDOW, ReceiveWindow, unread_limit
from proxy.http2.server_connection import ServerConnection
from proxy.http2.settings import DEFAULT_WINDOW, LocalSettings
from proxy.http2.stream import Stream
from proxy.http2.unread_content import UnreadContent
from tests.proxy.http2.test_connection import BLOCK, Server

PIECE = 16_384


class Uploads:
    """The uploads of one client, which sends as much as it may; servers take nothing by themselves."""

    def __init__(self, unread: UnreadContent, settings: LocalSettings | None = None) -> None:
        self.owner = Server(settings)
        self.core = self.owner.server = ServerConnection(
            self.owner, settings or LocalSettings(), Limits(), unread
        )
        self.core.receive(PREFACE + settings_frame([]))
        self.window = DEFAULT_WINDOW
        self.windows: dict[int, int] = {}
        self._read_output()

    def begin(self) -> Stream:
        number = 2 * len(self.windows) + 1
        self.windows[number] = DEFAULT_WINDOW
        self.core.receive(frame(HEADERS, END_HEADERS, number, BLOCK))
        _, stream, notes = self.owner.requests[-1]
        notes.stream = None
        return stream

    def send(self, stream: Stream) -> int:
        """Send until a window is used up; return how much that was."""
        sent = 0
        while (size := min(PIECE, self.window, self.windows[stream.id])) > 0:
            self.window -= size
            self.windows[stream.id] -= size
            self.core.receive(frame(DATA, 0, stream.id, bytes(size)))
            self._read_output()
            sent += size
        return sent

    def take(self, stream: Stream) -> None:
        """Have the server take all that has come."""
        stream.consume(stream.unread)
        self._read_output()

    def _read_output(self) -> None:
        output = self.core.take_output()
        position = 0
        while position < len(output):
            length = int.from_bytes(output[position : position + 3], "big")
            kind, number = output[position + 3], int.from_bytes(output[position + 5 : position + 9], "big")
            position += 9 + length
            if kind == WINDOW_UPDATE:
                increment = int.from_bytes(output[position - 4 : position], "big")
                assert increment
                if number:
                    self.windows[number] += increment
                else:
                    self.window += increment


@pytest.mark.parametrize("streams", [10, 250, 1000])
def test_a_connection_holds_a_bounded_amount_of_unread_content(streams: int) -> None:
    unread = UnreadContent()
    client = Uploads(unread, LocalSettings(streams=streams))
    opened = [client.begin() for _ in range(streams)]
    limit = unread_limit(streams)
    sent = sum(client.send(stream) for stream in opened)
    assert sent == unread.held == sum(stream.unread for stream in opened) <= limit
    assert sent > min(limit, streams * DEFAULT_WINDOW) - 2 * PIECE
    # Once servers take it, all uploads go on, and those first that had no window before.
    for stream in opened:
        client.take(stream)
    for stream in reversed(opened):
        client.send(stream)
        assert unread.held <= limit
    assert opened[-1].unread >= DEFAULT_WINDOW


def test_uploads_that_nobody_takes_hold_up_no_other() -> None:
    client = Uploads(UnreadContent())
    for _ in range(100):
        assert client.send(client.begin()) == DEFAULT_WINDOW
    other = client.begin()
    for _ in range(100):
        assert client.send(other) > 0
        client.take(other)
    client.core.receive(frame(HEADERS, END_HEADERS | END_STREAM, 9999, BLOCK))
    assert client.owner.requests[-1][1].id == 9999


def test_a_worker_that_holds_too_much_gives_each_connection_a_small_window() -> None:
    unread = UnreadContent(limit=1 << 20)
    first = Uploads(unread)
    streams = [first.begin() for _ in range(100)]
    sent = sum(first.send(stream) for stream in streams)
    # What it may send was promised before the limit was reached.
    assert 1 << 20 < sent < (1 << 20) + LARGEST_WINDOW
    second = Uploads(unread)
    uploads = [second.begin() for _ in range(20)]
    assert sum(second.send(stream) for stream in uploads) == DEFAULT_WINDOW
    # Connections whose content is taken go on.
    for _ in range(10):
        for stream in uploads:
            second.take(stream)
        assert sum(second.send(stream) for stream in uploads)
        assert sum(stream.unread for stream in uploads) <= DEFAULT_WINDOW
    before = unread.held
    first.core.abort()
    assert unread.held == before - sent
    for stream in uploads:
        second.take(stream)
    assert unread.held == 0
    assert sum(second.send(stream) for stream in uploads) > DEFAULT_WINDOW


def test_streams_that_end_early_leave_nothing_counted() -> None:
    unread = UnreadContent()
    client = Uploads(unread)
    stream, other = client.begin(), client.begin()
    client.send(stream)
    assert unread.held
    stream.reset()
    assert unread.held == 0
    # Its handler takes what it has after that.
    stream.consume(DEFAULT_WINDOW)
    assert unread.held == 0
    client.core.receive(frame(DATA, END_STREAM, other.id, bytes(100)))
    assert unread.held == 100
    other.consume(100)
    assert unread.held == 0


def test_a_window_doubles_when_it_is_used_up() -> None:
    output = Output(lambda: None)
    window = ReceiveWindow(output, UnreadContent())
    left, windows = DEFAULT_WINDOW, set()
    for _ in range(4 * LARGEST_WINDOW // PIECE):
        window.arrived(PIECE)
        left -= PIECE
        if update := output.take():
            left += int.from_bytes(update[-4:], "big")
            windows.add(left)
    assert sorted(windows) == [*(DEFAULT_WINDOW << doublings for doublings in range(5)), LARGEST_WINDOW]


@pytest.mark.parametrize(
    "frames",
    [
        [frame(DATA, END_STREAM, 1, bytes(9)), frame(DATA, 0, 1, bytes(9))],
        [frame(DATA, 0, 1, bytes(9)), frame(RST_STREAM, 0, 1, bytes(4))],
        [frame(DATA, 0, 1, bytes(9)), frame(DATA, PADDED, 1, b"\x09" + bytes(5))],
        [frame(DATA, PADDED, 1, b"\x09" + bytes(9))],
        [frame(WINDOW_UPDATE, 0, 1, bytes(4)), frame(DATA, 0, 1, bytes(9))],
    ],
    ids=["after the end", "then a reset", "then too much padding", "nothing but padding", "after a reset"],
)
def test_faults_leave_nothing_counted(frames: list[bytes]) -> None:
    unread = UnreadContent()
    client = Uploads(unread)
    client.begin()
    try:
        client.core.receive(b"".join(frames))
    except ConnectionFault:
        client.core.abort()
    assert unread.held == 0
