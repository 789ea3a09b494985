"""The sockets of UDP entry points, which the master opens and all workers inherit.

An entry point has as many sockets as there are workers: its shards. The kernel hashes address and port of
each client to one of them (`SO_REUSEPORT`), so all datagrams of a session reach one worker. The master never
closes a shard while its entry point exists: a session would move to another shard, and waiting datagrams
would be lost. Beside the socket, a shard has what its readers need to succeed each other (see
`proxy.udp.succession`).
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
import time
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import NamedTuple

from proxy.process.listening import listening_host
from rondpoint.settings import EntryPoint, Settings

log = logging.getLogger(__name__)

RECEIVE_BUFFER = 1 << 20
"""Bytes that the kernel may hold for a shard, if `net.core.rmem_max` allows as many."""

ATTEMPTS = 5
"""Attempts to bind at the start, one a second, as gunicorn does: an ending process may use the address."""


class ShardSockets(NamedTuple):
    """The socket for clients, both ends of the channel for offers, and the byte of the lock file."""

    listener: socket.socket
    offers: socket.socket
    offering: socket.socket
    lock: int


class AssignedShard(NamedTuple):
    """A shard as one worker sees it; `own` shards are those that this worker reads if it can."""

    entry_point: str
    sockets: ShardSockets
    own: bool


class UdpSockets:
    """The shards by address. The master opens them, and sets `slot` and `workers` before each fork.

    The worker with slot N reads each shard whose number is N modulo `workers`.
    """

    def __init__(self) -> None:
        self.slot = 0
        self.workers = 1
        self.lock_file = TemporaryFile()  # noqa: SIM115 - it stays open in master and workers
        self._locks = 0
        self._shards: dict[tuple[str, int], tuple[ShardSockets, ...]] = {}

    def open(self, settings: Settings) -> Iterator[str]:
        """Open the shards of new entry points, close those of removed ones, and yield errors."""
        points = settings.udp_entry_points
        wanted = {_address(point) for point in points.values()}
        for address in [known for known in self._shards if known not in wanted]:
            for shard in self._shards.pop(address):
                for each in (shard.listener, shard.offers, shard.offering):
                    each.close()
        for name, point in points.items():
            address = _address(point)
            if address in self._shards:
                continue
            try:
                listeners = _bind(address, settings.workers if sys.platform == "linux" else 1)
            except OSError as error:
                yield f"entry point {name} cannot listen on {point.address}: {error.strerror}"
                continue
            self._shards[address] = tuple(map(self._shard, listeners))
            log.info("Listening at: %s (UDP)", point.address)

    def open_or_exit(self, settings: Settings) -> None:
        """Open all shards at the start. Raises SystemExit if that fails for some seconds."""
        for _ in range(ATTEMPTS):
            errors = list(self.open(settings))
            if not errors:
                return
            for error in errors:
                log.error("%s; trying again in a second", error)
            time.sleep(1.0)
        raise SystemExit(1)

    def assigned(self, settings: Settings) -> list[AssignedShard]:
        """Return the shards of all entry points, in a worker."""
        return [
            AssignedShard(name, shard, number % self.workers == self.slot)
            for name, point in settings.udp_entry_points.items()
            for number, shard in enumerate(self._shards.get(_address(point), ()))
        ]

    def _shard(self, listener: socket.socket) -> ShardSockets:
        offers, offering = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        offers.setblocking(False)
        offering.setblocking(False)
        self._locks += 1
        return ShardSockets(listener, offers, offering, self._locks)


UDP_SOCKETS = UdpSockets()


def _address(point: EntryPoint) -> tuple[str, int]:
    return point.host, point.port


def _bind(address: tuple[str, int], count: int) -> list[socket.socket]:
    """Return `count` sockets that share an address. Raises OSError, also if another process uses it."""
    host = listening_host(address[0])
    if count > 1:
        # Another proxy of the same user could share it too, and would take part of its clients.
        _bind_one(host, address[1], shared=False).close()
    bound: list[socket.socket] = []
    try:
        for _ in range(count):
            bound.append(_bind_one(host, address[1], shared=count > 1))
    except OSError:
        for each in bound:
            each.close()
        raise
    return bound


def _bind_one(host: str, port: int, *, shared: bool) -> socket.socket:
    try:
        family, _, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except socket.gaierror as error:
        raise OSError(errno.EADDRNOTAVAIL, str(error)) from None
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.bind(target)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
