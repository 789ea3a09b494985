"""What RFC 9113 says that a client must do, as far as a server can provoke it: the proxy is the client."""

import threading
from collections.abc import Iterator

import msgspec
import pytest

from rondpoint.model import Server as Listed
from tests.lab.http2 import frames
from tests.lab.http2.server import Server
from tests.lab.origin import Connection, Origin
from tests.proxy.http2.rows.servers import CUT, ROWS, ServerRow
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client, CutError

WAIT = 5.0
"""Seconds in which everything that is expected must have come."""


class Scripted:
    """A handler of `Origin` that performs the row which is set; `problems` has what the proxy did wrong."""

    def __init__(self) -> None:
        self.row = ROWS[0]
        self.host = ""
        self.problems: list[str] = []
        self.done = threading.Event()

    def __call__(self, connection: Connection) -> None:
        row = self.row
        with Server(connection.socket) as server:
            number = 1
            if row.starts:
                server.start()
                number = server.next_request()
            server.send(row.sent(number))
            problem = _problem(server, number, row)
            # The next row shall have a connection of its own.
            server.send(frames.goaway(number))
            if not server.wait_for_end(WAIT):
                problem = problem or f"not closed: {server.told()}"
            self.problems.append(problem)
            self.done.set()


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
    scripted.row = row
    scripted.problems.clear()
    scripted.done.clear()
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


def test_rows_have_names_of_their_own() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)
