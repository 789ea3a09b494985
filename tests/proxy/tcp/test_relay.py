"""A relay whose connection is ended from outside while bytes wait."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Iterator
from contextlib import suppress

import gevent
import pytest
from gevent import get_hub
from gevent.socket import wait_write

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from proxy.tcp.relay import Relay
from proxy.telemetry.connections.record import ConnectionRecord
from proxy.telemetry.connections.tallies import ConnectionTallies
from rondpoint.store.connection_metrics import ConnectionKey

Pair = tuple[Stream, socket.socket]


def relay_of(client: Stream, server: Stream, termination_delay: float) -> tuple[Relay, ConnectionRecord]:
    record = ConnectionRecord(ConnectionTallies(), ConnectionKey("tcp", "r", "s"))
    return Relay(client, server, termination_delay, record), record


@pytest.fixture
def pairs() -> Iterator[tuple[Pair, Pair]]:
    """Two connections: the relay's stream of each, and its peer's socket."""
    sweeper = Sweeper()
    found = []
    for _ in range(2):
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        found.append((Stream(_socket.socket(fileno=near.detach()), sweeper), far))
    yield found[0], found[1]
    for stream, peer in found:
        stream.close()
        peer.close()


def fill(peer: socket.socket) -> None:
    """Send until neither the relay nor the kernel takes more."""
    with suppress(TimeoutError):
        while True:
            wait_write(peer.fileno(), timeout=0.2, timeout_exc=TimeoutError())
            peer.send(bytes(65536))


def test_a_relay_ends_while_a_side_accepts_nothing(pairs: tuple[Pair, Pair]) -> None:
    (client, client_peer), (server, _) = pairs
    relay, _ = relay_of(client, server, 0.1)
    running = gevent.spawn(relay.run, b"")
    fill(client_peer)
    relay.end()
    running.join(30)
    assert running.ready()
    assert running.exception is None


def test_a_relay_that_is_killed_moves_nothing_more(pairs: tuple[Pair, Pair]) -> None:
    (client, client_peer), (server, server_peer) = pairs
    relay, record = relay_of(client, server, 0.1)
    running = gevent.spawn(relay.run, b"")
    fill(client_peer)
    running.kill()
    gevent.sleep(0)
    for stream in (client, server):
        stream.close()
    received = 0
    while data := server_peer.recv(65536):
        received += len(data)
    gevent.sleep(0)
    assert received
    assert server_peer.recv(1) == b""
    # The last piece may have got stuck.
    assert record.upward.moved >= received
    assert record.downward.moved == 0


def test_no_timer_stays_after_a_relay(pairs: tuple[Pair, Pair]) -> None:
    (client, client_peer), (server, server_peer) = pairs
    relay, record = relay_of(client, server, 3600.0)
    running = gevent.spawn(relay.run, b"early")
    gevent.sleep(0)
    assert server_peer.recv(5) == b"early"
    assert record.upward.moved == len(b"early")
    before = get_hub().loop.activecnt
    client_peer.close()
    server_peer.close()
    running.join(30)
    assert running.ready()
    assert get_hub().loop.activecnt < before
