"""The shards that the master opens, and which worker reads which."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.process.udp_sockets import UdpSockets
from rondpoint.settings import Settings, load
from tests.lab.ports import free_port

NOTHING = load((), {}, Path("/")).settings


@pytest.fixture
def sockets() -> Iterator[UdpSockets]:
    sockets = UdpSockets()
    yield sockets
    assert list(sockets.open(NOTHING)) == []


def settings(workers: int, **ports: int) -> Settings:
    addresses = [f"--entryPoints.{name}.address=127.0.0.1:{port}/udp" for name, port in ports.items()]
    return load([f"--workers={workers}", *addresses], {}, Path("/")).settings


def owners(sockets: UdpSockets, wanted: Settings, workers: int) -> list[tuple[str, int]]:
    """Return the entry point and the lock of each shard that one of `workers` workers is meant to read."""
    sockets.workers = workers
    found = []
    for slot in range(workers):
        sockets.slot = slot
        found += [(name, shard.lock) for name, shard, own in sockets.assigned(wanted) if own]
    return sorted(found)


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_each_shard_has_one_reader_whatever_the_number_of_workers(sockets: UdpSockets, workers: int) -> None:
    wanted = settings(3, one=free_port(), two=free_port())
    assert not list(sockets.open(wanted))
    found = owners(sockets, wanted, workers)
    assert [name for name, _ in found] == ["one"] * 3 + ["two"] * 3
    assert len({lock for _, lock in found}) == 6


def test_an_entry_point_keeps_its_sockets_over_reloads(sockets: UdpSockets) -> None:
    port, other = free_port(), free_port()
    assert not list(sockets.open(settings(2, dns=port)))
    before = [shard.listener.fileno() for _, shard, _ in sockets.assigned(settings(2, dns=port))]
    renamed = settings(4, names=port, other=other)
    assert not list(sockets.open(renamed))
    found = [(name, shard.listener.fileno()) for name, shard, _ in sockets.assigned(renamed)]
    assert found[:2] == [("names", descriptor) for descriptor in before]
    assert len(found) == 2 + 4


def test_an_address_in_use_leaves_the_others_open(sockets: UdpSockets) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
        # Another proxy of the same user would set this too, and must not get a part of the clients.
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        foreign.bind(("127.0.0.1", 0))
        wanted = settings(2, used=foreign.getsockname()[1], free=port)
        (error,) = sockets.open(wanted)
        assert "entry point used cannot listen" in error
        assert {name for name, _, _ in sockets.assigned(wanted)} == {"free"}
    assert not list(sockets.open(wanted))
    assert {name for name, _, _ in sockets.assigned(wanted)} == {"used", "free"}
