"""Pools of keep-alive connections to a server, over real sockets."""

import os
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import gevent
import pytest

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from proxy.upstream import connection
from proxy.upstream.connection import DialError
from proxy.upstream.pool import Pool


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(60)
        yield listener


@pytest.fixture
def pool(listener: socket.socket) -> Iterator[Pool]:
    pool = Pool(listener.getsockname(), Sweeper(), dial_timeout=60, idle_timeout=90)
    yield pool
    pool.close()


def dial_pair(pool: Pool, listener: socket.socket) -> tuple[Stream, socket.socket]:
    stream = pool.dial()
    return stream, listener.accept()[0]


def run_event_loop() -> None:
    gevent.sleep(0.01)


def wait_for_arrival(stream: Stream) -> None:
    """Wait until the kernel holds bytes, or an end, for the stream."""
    assert select.select([stream.sock.fileno()], [], [], 60)[0]


def test_last_in_first_out(pool: Pool, listener: socket.socket) -> None:
    first, _one = dial_pair(pool, listener)
    second, _two = dial_pair(pool, listener)
    pool.give(first)
    pool.give(second)
    assert pool.take() is second
    assert pool.take() is first
    assert pool.take() is None


@pytest.mark.parametrize("what", ["an end", "unexpected bytes"])
def test_an_idle_connection_that_becomes_readable_is_dropped(
    pool: Pool, listener: socket.socket, what: str
) -> None:
    stream, server = dial_pair(pool, listener)
    pool.give(stream)
    if what == "an end":
        server.close()
    else:
        server.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    wait_for_arrival(stream)
    run_event_loop()
    assert pool.take() is None


def test_take_alive_finds_an_end_that_the_loop_has_not_noticed(pool: Pool, listener: socket.socket) -> None:
    alive, _one = dial_pair(pool, listener)
    dead, server = dial_pair(pool, listener)
    pool.give(alive)
    pool.give(dead)
    server.close()
    wait_for_arrival(dead)
    assert pool.take_alive() is alive


def test_a_connection_that_has_just_expired_is_not_given_out(pool: Pool, listener: socket.socket) -> None:
    stream, _server = dial_pair(pool, listener)
    pool.give(stream)
    # The sweeper runs between two requests; the loop has not called the pool yet.
    stream.expire()
    assert pool.take() is None


def test_a_connection_in_use_has_no_idle_deadline(pool: Pool, listener: socket.socket) -> None:
    stream, _server = dial_pair(pool, listener)
    pool.give(stream)
    assert stream.deadline < float("inf")
    assert pool.take() is stream
    assert stream.deadline == float("inf")


def test_a_closed_pool_keeps_nothing(pool: Pool, listener: socket.socket) -> None:
    idle, one = dial_pair(pool, listener)
    busy, two = dial_pair(pool, listener)
    pool.give(idle)
    pool.close()
    assert one.recv(1) == b""
    pool.give(busy)
    assert two.recv(1) == b""
    assert pool.take() is None


def test_a_pool_keeps_connections_up_to_a_limit(pool: Pool, listener: socket.socket) -> None:
    listener.listen(pool.IDLE_LIMIT + 1)
    pairs = [dial_pair(pool, listener) for _ in range(pool.IDLE_LIMIT + 1)]
    for stream, _ in pairs:
        pool.give(stream)
    assert pairs[-1][1].recv(1) == b""
    pool.close()
    for _, server in pairs:
        server.close()


def test_a_refused_connection(pool: Pool, listener: socket.socket) -> None:
    listener.close()
    with pytest.raises(DialError) as caught:
        pool.dial()
    assert not caught.value.timed_out


def test_a_dial_without_a_reply(silent_port: int) -> None:
    with pytest.raises(DialError) as caught:
        Pool(("127.0.0.1", silent_port), Sweeper(), dial_timeout=0.1, idle_timeout=0).dial()
    assert caught.value.timed_out


@pytest.mark.parametrize(
    ("patience", "fair", "unreachable"), [(0.05, 1.0, False), (-1.0, 1.0, False), (0.05, 0.01, True)]
)
def test_an_impatient_dial_says_little_about_the_server(
    silent_port: int, monkeypatch: pytest.MonkeyPatch, patience: float, fair: float, unreachable: bool
) -> None:
    monkeypatch.setattr("proxy.upstream.pool.FAIR_PATIENCE", fair)
    pool = Pool(("127.0.0.1", silent_port), Sweeper(), dial_timeout=60, idle_timeout=0)
    with pytest.raises(DialError) as raised:
        pool.dial(patience)
    assert (raised.value.timed_out, raised.value.unreachable) == (True, unreachable)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_names_and_addresses(listener: socket.socket, name: str) -> None:
    port = listener.getsockname()[1]
    stream = Pool((name, port), Sweeper(), dial_timeout=60, idle_timeout=0).dial()
    listener.accept()[0].close()
    assert stream.recv() == b""
    stream.close()


@pytest.mark.parametrize("name", ["999.999.999.999", "256.0.0.1", "::zz"])
def test_an_invalid_address_does_not_block_the_worker(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """`connect` would query a name server, and wait for it."""
    resolved: list[str] = []

    def resolve(host: bytes, *_: object) -> list[object]:
        resolved.append(host.decode())
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(connection, "getaddrinfo", resolve)
    with pytest.raises(DialError):
        Pool((name, 80), Sweeper(), dial_timeout=60, idle_timeout=0).dial()
    assert resolved == [name]


@pytest.mark.parametrize("port", [-1, 70_000])
def test_an_invalid_port(port: int) -> None:
    with pytest.raises(DialError):
        Pool(("127.0.0.1", port), Sweeper(), dial_timeout=60, idle_timeout=0).dial()


def test_an_ipv6_address() -> None:
    with closing(socket.create_server(("::1", 0), family=socket.AF_INET6)) as listener:
        stream = Pool(("::1", listener.getsockname()[1]), Sweeper(), dial_timeout=60, idle_timeout=0).dial()
        stream.close()


def test_dials_have_little_time_after_the_server_was_removed(silent_port: int) -> None:
    pool = Pool(("127.0.0.1", silent_port), Sweeper(), dial_timeout=60, idle_timeout=90)
    first_dial = gevent.spawn(pool.dial)
    gevent.sleep(0.1)
    assert not first_dial.ready()
    began = time.monotonic()
    pool.close()
    # Like the dial of a request that had chosen the server before.
    second_dial = gevent.spawn(pool.dial)
    gevent.joinall([first_dial, second_dial], timeout=60)
    assert isinstance(first_dial.exception, DialError)
    assert isinstance(second_dial.exception, DialError)
    assert 0.9 < time.monotonic() - began < 30


def test_idle_connections_are_closed_if_no_descriptor_is_left(pool: Pool, listener: socket.socket) -> None:
    other = Pool(listener.getsockname(), Sweeper(), dial_timeout=60, idle_timeout=90)
    idle, _one = dial_pair(other, listener)
    other.give(idle)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        pool.dial()
        with pytest.raises(DialError) as caught:
            pool.dial()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert caught.value.exhausted
    assert other.take() is None
