"""Connections, their greenlets, and the acceptor that passes them on, in this process."""

import _socket
import errno
import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import get_hub
from gevent.event import Event

from proxy.net.keep_alive_probes import OPTIONS, set_probes
from proxy.process.acceptor import Acceptor
from proxy.process.connection_handlers import MAX_IDLE, ConnectionHandlers, Serve

CAPACITY = 3


class Served:
    """Serves connections until `end` is set, and notes the greenlet of each."""

    def __init__(self) -> None:
        self.greenlets: list[object] = []
        self.end = Event()

    def __call__(self, sock: _socket.socket, _address: tuple[Any, ...]) -> None:
        self.greenlets.append(gevent.getcurrent())
        self.end.wait()
        sock.close()


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def handlers() -> Iterator[ConnectionHandlers]:
    handlers = ConnectionHandlers(CAPACITY)
    yield handlers
    handlers.kill(1)


@pytest.fixture
def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def handle(handlers: ConnectionHandlers, serve: Serve) -> None:
    """Pass a connection on from the event loop, and wait until its handling has begun."""
    get_hub().loop.run_callback(handlers.handle, serve, _socket.socket(), ("127.0.0.1", 1))
    gevent.sleep(0)
    gevent.sleep(0)


def connect(listener: socket.socket, count: int) -> Callable[[], list[socket.socket]]:
    address = listener.getsockname()
    return lambda: [socket.create_connection(address) for _ in range(count)]


def test_a_greenlet_takes_one_connection_after_the_other(
    handlers: ConnectionHandlers, served: Served
) -> None:
    served.end.set()
    for _ in range(3):
        handle(handlers, served)
    assert len(served.greenlets) == 3
    assert len(set(served.greenlets)) == 1


def test_greenlets_that_wait_are_no_connections(handlers: ConnectionHandlers, served: Served) -> None:
    for number in range(CAPACITY):
        assert (len(handlers), handlers.full) == (number, False)
        handle(handlers, served)
    assert (len(handlers), handlers.full) == (CAPACITY, True)
    rooms: list[int] = []
    handlers.call_when_room(lambda: rooms.append(len(handlers)))
    served.end.set()
    handlers.join(5)
    assert (len(handlers), handlers.full) == (0, False)
    assert len(rooms) == 1


def test_a_fault_of_one_connection_is_reported_and_ends_only_that(
    handlers: ConnectionHandlers, served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    served.end.set()
    sockets = []

    def fail(sock: _socket.socket, _address: tuple[Any, ...]) -> None:
        served.greenlets.append(gevent.getcurrent())
        sockets.append(sock)
        raise ValueError("a fault of ours")

    handle(handlers, fail)
    handle(handlers, served)
    assert len(handlers) == 0
    assert len(set(served.greenlets)) == 1
    assert sockets[0].fileno() == -1
    assert "a fault of ours" in capfd.readouterr().err


def test_killed_connections_are_closed(handlers: ConnectionHandlers) -> None:
    sockets = []

    def wait(sock: _socket.socket, _address: tuple[Any, ...]) -> None:
        sockets.append(sock)
        Event().wait()

    handle(handlers, wait)
    handlers.join(0.01)
    assert len(handlers) == 1
    handlers.kill(5)
    assert len(handlers) == 0
    assert sockets[0].fileno() == -1


def test_not_all_greenlets_of_a_burst_stay(served: Served) -> None:
    handlers = ConnectionHandlers(2 * MAX_IDLE)
    for _ in range(MAX_IDLE + 5):
        handle(handlers, served)
    served.end.set()
    handlers.join(5)
    gevent.sleep(0)
    assert len(set(served.greenlets)) == MAX_IDLE + 5
    assert sum(not greenlet.dead for greenlet in served.greenlets) == MAX_IDLE  # type: ignore[attr-defined]


def test_connections_above_the_capacity_wait_for_one_to_end(
    handlers: ConnectionHandlers, served: Served, listener: socket.socket
) -> None:
    begin = connect(listener, CAPACITY + 2)
    acceptor = Acceptor(listener, served, handlers)
    acceptor.start()
    clients = begin()
    gevent.sleep(0.05)
    assert len(served.greenlets) == CAPACITY
    served.end.set()
    with gevent.Timeout(5):
        while len(served.greenlets) < CAPACITY + 2:
            gevent.sleep(0.01)
    acceptor.close_after_waiting()
    for client in clients:
        client.close()


def test_an_acceptor_that_ends_accepts_waiting_connections_first(
    handlers: ConnectionHandlers, served: Served, listener: socket.socket
) -> None:
    clients = connect(listener, CAPACITY)()
    Acceptor(listener, served, handlers).close_after_waiting()
    assert len(handlers) == CAPACITY
    gevent.sleep(0)
    assert len(served.greenlets) == CAPACITY
    for client in clients:
        client.close()


@pytest.mark.parametrize("early", [True, False])
def test_connections_have_keep_alive_probes(
    handlers: ConnectionHandlers, listener: socket.socket, early: bool
) -> None:
    seen: list[list[int]] = []

    def look(sock: _socket.socket, _address: tuple[Any, ...]) -> None:
        set_probes(sock)
        seen.append([sock.getsockopt(level, option) for level, option, _ in OPTIONS])
        sock.close()

    begin = connect(listener, 1)
    # A connection that is in the queue before gets nothing of the listening socket.
    clients = begin() if early else []
    acceptor = Acceptor(listener, look, handlers)
    clients = clients or begin()
    acceptor.close_after_waiting()
    assert seen == [[value for *_, value in OPTIONS]]
    for client in clients:
        client.close()


class FailingListener:
    """A listening socket whose first accepts fail."""

    def __init__(self, listener: _socket.socket, *numbers: int) -> None:
        self._listener = listener
        self._errors = [OSError(number, "no luck") for number in numbers]

    def _accept(self) -> Any:
        if self._errors:
            raise self._errors.pop(0)
        return self._listener._accept()  # type: ignore[attr-defined]

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.ECONNABORTED])
def test_accepting_goes_on_after_a_failure(
    number: int, handlers: ConnectionHandlers, served: Served, listener: socket.socket
) -> None:
    begin = connect(listener, 1)
    acceptor = Acceptor(listener, served, handlers)
    acceptor._listener = FailingListener(acceptor._listener, number, number)
    acceptor.start()
    clients = begin()
    with gevent.Timeout(5):
        while not served.greenlets:
            gevent.sleep(0.01)
    acceptor.close_after_waiting()
    clients[0].close()
