"""One running proxy for these tests, and the server behind it."""

from collections.abc import Iterator
from threading import Event

import pytest

from tests.lab.origin import Connection, Origin, http_response
from tests.proxy.running import Proxy, lone_proxy, watched

HELLO = http_response(b"hello")
LARGE = http_response(bytes([97]) * 300_000)


class Server:
    """A handler that answers by path, and records whole requests.

    `/hold` gets no response; of `/unread` not even the content is read.
    """

    def __init__(self) -> None:
        self.ended = Event()

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read_head()) is not None:
            if request.target == "/unread":
                self.ended.wait()
                return
            connection.read_body(request)
            if request.target == "/hold":
                connection.receive()
                return
            response = LARGE if request.target == "/large" else HELLO
            connection.send(
                response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.method == "HEAD" else response
            )


@pytest.fixture(scope="package")
def started() -> Iterator[Proxy]:
    with lone_proxy() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def lone(started: Proxy) -> Iterator[Proxy]:
    """A proxy with one worker and nothing to serve."""
    yield from watched(started)


@pytest.fixture(scope="module")
def served(lone: Proxy) -> Iterator[Origin]:
    """The server to which the proxy forwards everything."""
    server = Server()
    with Origin(server) as origin:
        lone.route(origin, rule="PathPrefix(`/`)")
        yield origin
        server.ended.set()
