"""A shard's way from a leaving reader to the next one, with the faults of both."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import Any

import gevent
import pytest
from gevent import get_hub

from proxy.telemetry.connections.tallies import ConnectionTallies
from proxy.udp.datagrams import MAX_DATAGRAM
from proxy.udp.routes import UdpRouters, UdpServices
from proxy.udp.session_table import SessionTable
from proxy.udp.shard import Shard
from proxy.udp.shard_context import ShardContext
from proxy.udp.succession import END, READY, RECEIVED, Line, Seat, duplicate
from rondpoint.store.connection_metrics import ConnectionKey
from rondpoint.udp.model import UdpRouter, UdpService
from tests.lab.udp import UdpClient, UdpEcho, clients
from tests.proxy.udp.publishing import udp_server


class LocalTickets:
    degraded = True

    def take(self, service: str) -> int:
        return 1


class Reader:
    """A worker's part of a shard, in this process: its seat, and its sessions."""

    def __init__(self, listener: socket.socket, line: Line, server: UdpEcho) -> None:
        services, routers = UdpServices(lambda: None), UdpRouters(lambda: None)
        services.put(UdpService("s", (udp_server(server),)))
        routers.put(UdpRouter("r", "s"))
        self.table = SessionTable(100)
        self.tallies = ConnectionTallies()
        context = ShardContext(
            routers, services, LocalTickets(), self.table, bytearray(MAX_DATAGRAM), self.tallies
        )
        self.seat = Seat(Shard("udp", 60.0, duplicate(listener.fileno()), context), line, own=True)
        self.seat.run()
        self.leaving = gevent.spawn(lambda: None)

    def leave(self) -> None:
        self.leaving = gevent.spawn(self.seat.leave)

    def close(self) -> None:
        self.leaving.kill()
        self.seat.shard.close()


class Scene:
    """One shard, its clients, and the channel over which readers succeed each other."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.server = stack.enter_context(UdpEcho("a"))
        self.listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.listener.bind(("127.0.0.1", 0))
        self.offers, offering = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.offers.settimeout(5)
        lock_file = stack.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
        for each in (self.offers, offering):
            stack.enter_context(each)
        self._line = Line(self.offers.fileno(), offering.fileno(), lock_file.fileno(), 1)

    def reader(self) -> Reader:
        reader = Reader(self.listener, self._line, self.server)
        self._stack.callback(reader.close)
        return reader

    def clients(self, count: int) -> list[UdpClient]:
        return clients(self.listener.getsockname()[1], count, self._stack)

    def accept_offer(self) -> socket.socket:
        """Take the offer of the leaving reader, as a successor that the test plays."""
        _, (descriptor,), _, _ = in_thread(socket.recv_fds, self.offers, 16, 1)
        link = self._stack.enter_context(socket.socket(fileno=descriptor))
        link.settimeout(5)
        return link


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(stack)


def in_thread(function: Any, *arguments: Any) -> Any:
    """Call a blocking function while this process's event loop goes on."""
    return get_hub().threadpool.apply(function, arguments)


def sources(asking: list[UdpClient]) -> list[int]:
    return [in_thread(client.source) for client in asking]


def test_a_reader_takes_a_free_shard(scene: Scene) -> None:
    reader = scene.reader()
    assert reader.seat.holds
    sources(scene.clients(3))
    assert len(reader.table.by_entry_point) == 1
    assert reader.table.sessions == 3


def test_a_successor_gets_all_sessions(scene: Scene) -> None:
    reader = scene.reader()
    sources(scene.clients(3))
    reader.leave()
    link = scene.accept_offer()
    link.send(READY)
    received = [in_thread(socket.recv_fds, link, 4096, 1) for _ in range(4)]
    assert [len(descriptors) for _, descriptors, _, _ in received] == [1, 1, 1, 0]
    assert received[-1][0] == END
    # What they have counted stays here.
    here = reader.tallies.all[ConnectionKey("udp", "r", "s")].counts()
    assert (here.forwarded, here.aborted, here.open) == (3, 0, 0)
    assert reader.seat.holds
    link.send(RECEIVED)
    reader.leaving.join(5)
    assert not reader.seat.holds
    assert reader.table.sessions == 0


def test_a_leaving_reader_goes_on_until_somebody_takes_its_offer(scene: Scene) -> None:
    reader = scene.reader()
    asking = scene.clients(3)
    before = sources(asking[:2])
    reader.leave()
    link = scene.accept_offer()
    # The successor is not ready yet.
    assert sources(asking)[:2] == before
    assert link.fileno() >= 0


def test_the_death_of_a_successor_loses_nothing(scene: Scene) -> None:
    reader = scene.reader()
    asking = scene.clients(3)
    before = sources(asking)
    reader.leave()
    scene.accept_offer().close()
    link = scene.accept_offer()
    assert sources(asking) == before
    link.close()
    scene.accept_offer()
    assert reader.seat.holds


def test_sessions_that_a_dying_successor_has_not_received_stay(scene: Scene) -> None:
    reader = scene.reader()
    asking = scene.clients(3)
    sources(asking)
    reader.leave()
    link = scene.accept_offer()
    link.send(READY)
    for descriptor in in_thread(socket.recv_fds, link, 4096, 1)[1]:
        socket.socket(fileno=descriptor).close()
    link.close()
    # It offers the shard again, and serves all clients meanwhile.
    scene.accept_offer()
    assert reader.seat.holds
    assert len(set(sources(asking))) == 3
    assert reader.table.sessions == 3
    assert reader.tallies.all[ConnectionKey("udp", "r", "s")].open == 3


def test_an_offer_of_a_reader_that_has_died_is_no_obstacle(scene: Scene) -> None:
    first = scene.reader()
    asking = scene.clients(1)
    sources(asking)
    first.leave()
    gevent.sleep(0)
    first.close()
    scene.offers.setblocking(False)
    second = scene.reader()
    assert second.seat.holds
    sources(asking)
    assert second.table.sessions == 1
