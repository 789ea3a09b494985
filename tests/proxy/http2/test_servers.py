"""What RFC 9113 says that a client must do, as far as a server can provoke it: the proxy is the client."""

import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest

from rondpoint.model import Server as Listed
from tests.lab.http2 import frames
from tests.lab.http2.server import Server
from tests.lab.origin import Connection, Origin
from tests.proxy.http2.rows.servers import CUT, ROWS, ServerRow
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Answer, Client, CutError

WAIT = 20.0
"""Seconds in which everything that is expected must have come."""


Handler = Callable[[Server], str]
"""Handles a connection up to its last response, and returns what the proxy did wrong."""


class Scripted:
    """A handler of `Origin` that has each connection handled by what is set; `problems` has the results."""

    def __init__(self) -> None:
        self.handle: Handler = lambda server: "nothing is set"
        self.host = ""
        self.problems: list[str] = []
        self.done = threading.Event()

    def set(self, handle: Handler) -> None:
        self.handle = handle
        self.problems.clear()
        self.done.clear()

    def __call__(self, connection: Connection) -> None:
        with Server(connection.socket, grants=False) as server:
            problem = self.handle(server)
            # The next test shall have a connection of its own.
            server.send(frames.goaway(max(server.streams, default=0)))
            if not server.wait_for_end(WAIT):
                problem = problem or f"not closed: {server.told()}"
            self.problems.append(problem)
            self.done.set()


def perform(row: ServerRow) -> Handler:
    def handle(server: Server) -> str:
        number = 1
        if row.starts:
            server.start()
            number = server.next_request()
        server.send(row.sent(number))
        return _problem(server, number, row)

    return handle


def _problem(server: Server, number: int, row: ServerRow) -> str:
    """Return what is wrong with what the proxy sends back."""
    stream = server.stream(number)

    def failed() -> bool:
        return server.closed or (server.goaway is not None and server.goaway.code != frames.NO_ERROR)

    if row.stream:
        server.wait(lambda: failed() or stream.reset is not None, WAIT)
    elif row.connection:
        server.wait(failed, WAIT)
    elif not server.ping(timeout=WAIT) and not server.closed:
        return f"a PING is not answered: {server.told()}"
    if server.goaway is not None and server.goaway.code != frames.NO_ERROR:
        return "" if server.goaway.code in row.connection else f"GOAWAY: {server.told()}"
    if server.closed and row.connection and not row.stream:
        return f"closed without GOAWAY: {server.told()}"
    if row.stream:
        return "" if stream.reset in row.stream else f"no RST_STREAM: {server.told()}"
    return "" if not row.connection else f"no GOAWAY: {server.told()}"


@pytest.fixture(scope="module")
def scripted(lone: Proxy) -> Iterator[Scripted]:
    """The server that the proxy reaches by h2c."""
    handler = Scripted()
    with Origin(handler) as origin:
        handler.host = host = lone.route(origin)
        name = host.removesuffix(".test")
        lone.tune(host, servers=tuple(_h2c(server) for server in lone.services[name].servers))
        yield handler


def _h2c(server: Listed) -> Listed:
    return msgspec.structs.replace(server, scheme="h2c")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_servers_frames(lone: Proxy, scripted: Scripted, row: ServerRow) -> None:
    scripted.set(perform(row))
    with Client(lone.web) as client:
        lines = f"Host: {scripted.host}\r\nContent-Length: 0\r\nConnection: close"
        client.send(f"POST / HTTP/1.1\r\n{lines}\r\n\r\n".encode())
        try:
            answer = client.answer()
            while answer.status < 200:
                answer = client.answer()
            status = answer.status
        except CutError:
            status = CUT
    assert scripted.done.wait(WAIT), "no request at the server"
    assert status in row.statuses
    assert scripted.problems == [""]
    if status != CUT:
        assert b"injected" not in answer.head
        if status == 200 and row.statuses == {200} and answer.body:
            assert answer.body == b"hello"


def upload(proxy: Proxy, host: str, content: bytes) -> Answer:
    with Client(proxy.web) as client:
        client.send(
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
        )
        return client.answer()


def _small_windows(server: Server) -> str:
    """Take 35 bytes through windows of 10, one of which becomes negative."""
    server.start((frames.INITIAL_WINDOW_SIZE, 10))
    number = server.next_request()
    stream = server.stream(number)
    steps = (
        (b"", 10),
        (frames.window_update(number, 1), 11),
        (frames.settings((frames.INITIAL_WINDOW_SIZE, 0)), 11),  # the window is -10
        (frames.window_update(number, 9), 11),
        (frames.window_update(number, 3), 13),
        (frames.settings((frames.INITIAL_WINDOW_SIZE, 12)), 25),
        (frames.window_update(number, 1000), 35),
    )
    for sent, expected in steps:
        server.send(sent)
        if not server.wait(lambda size=expected: len(stream.content) >= size, WAIT):
            return f"{len(stream.content)} bytes in place of {expected}: {server.told()}"
        if not server.ping(timeout=WAIT) or len(stream.content) != expected:
            return f"{len(stream.content)} bytes in place of {expected}: {server.told()}"
    if not server.wait(lambda: stream.ended, WAIT):
        return f"no end: {server.told()}"
    server.respond(number)
    return ""


def _window_of_the_connection(server: Server) -> str:
    """Take 100,000 bytes, of which the connection's window lets 65,535 pass."""
    server.start((frames.INITIAL_WINDOW_SIZE, 1 << 20), (frames.MAX_FRAME_SIZE, 1 << 15))
    number = server.next_request()
    stream = server.stream(number)
    for sent, expected in ((b"", 65_535), (frames.window_update(0, 5), 65_540)):
        server.send(sent)
        server.wait(lambda size=expected: len(stream.content) >= size, WAIT)
        if not server.ping(timeout=WAIT) or len(stream.content) != expected:
            return f"{len(stream.content)} bytes in place of {expected}: {server.told()}"
    server.send(frames.window_update(0, 1 << 20))
    if not server.wait(lambda: stream.ended, WAIT):
        return f"no end: {server.told()}"
    if max(len(each.payload) for each in server.frames) > 1 << 15:
        return "a frame above MAX_FRAME_SIZE"
    server.respond(number)
    return ""


def _no_window(server: Server) -> str:
    """Respond before the request has ended, which waits for a window that never comes."""
    server.start((frames.INITIAL_WINDOW_SIZE, 0))
    number = server.next_request()
    server.respond(number)
    stream = server.stream(number)
    if not server.wait(lambda: stream.reset is not None, WAIT):
        return f"the rest of the request is not given up: {server.told()}"
    return "" if stream.reset in {frames.NO_ERROR, frames.CANCEL} else server.told()


@pytest.mark.parametrize(
    ("handle", "size"), [(_small_windows, 35), (_window_of_the_connection, 100_000), (_no_window, 35)]
)
def test_a_servers_windows(lone: Proxy, scripted: Scripted, handle: Handler, size: int) -> None:
    scripted.set(handle)
    answer = upload(lone, scripted.host, bytes(size))
    assert scripted.done.wait(2 * WAIT)
    assert (scripted.problems, answer.status, answer.body) == ([""], 200, b"hello")


def _heads_of_one_table(server: Server) -> str:
    """Forbid the dynamic table: each head stands for itself, and says so at first."""
    server.limit_table(0)
    server.start((frames.HEADER_TABLE_SIZE, 0))
    number = server.next_request()
    if dict(server.stream(number).heads[0])[b":method"] != b"POST":
        return server.told()
    server.respond(number)
    return ""


def test_a_server_without_a_header_table(lone: Proxy, scripted: Scripted) -> None:
    scripted.set(_heads_of_one_table)
    answer = upload(lone, scripted.host, b"x")
    assert scripted.done.wait(2 * WAIT)
    assert (scripted.problems, answer.status) == ([""], 200)


def test_rows_have_names_of_their_own() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)
