"""Passes a shard, with its sessions, from a leaving worker to its successor.

The reader of a shard holds the shard's byte of a lock file. The kernel frees the lock when the reader ends,
even if it crashes. A leaving worker offers the shard: it sends one end of a new connection over a channel
that all workers share. The worker that takes the offer gets each session over that connection, with its
socket to the server, and then the lock. Meanwhile datagrams wait in the sockets. Until a worker takes the
offer, the leaving one goes on.
"""

from __future__ import annotations

import _socket
import fcntl
import logging
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gevent
import msgspec
from gevent import socket as cooperative
from msgspec import Struct

from proxy.udp.routes import Route
from rondpoint.udp.model import UdpServer

if TYPE_CHECKING:
    from proxy.udp.session import Session
    from proxy.udp.shard import Shard

log = logging.getLogger(__name__)

READY, RECEIVED = b"ready", b"received"
END = b"end"
MAX_RECORD = 4096

POLL_SECONDS = 0.05
"""Seconds between two attempts to get the lock: the kernel tells nobody that it is free."""

POLL_ATTEMPTS = 300
"""Attempts of a worker for its own shards; after that, it looks after them as after those of others."""

ABANDONED_LOOKS = 3
"""Times in a row, a second apart, that a worker finds a shard of another one abandoned before it takes it."""


class Record(Struct, frozen=True, array_like=True):
    """A session on its way; `last` in monotonic seconds, which all processes of a machine share."""

    client: tuple[Any, ...]
    local: list[tuple[int, int, bytes]]
    service: str
    host: str
    port: int
    last: float


_decoder = msgspec.msgpack.Decoder(Record)


class Line(Struct, frozen=True):
    """What all workers share to succeed each other: descriptors, and the byte `lock` of the lock file."""

    offers: int
    offering: int
    lock_file: int
    lock: int


class Seat:
    """The place of one worker in the succession to one shard; `own` if the worker is meant to read it."""

    def __init__(self, shard: Shard, line: Line, *, own: bool) -> None:
        self.shard = shard
        self.own = own
        self.holds = False
        self._line = line
        self._offers = duplicate(line.offers)
        self._offering = duplicate(line.offering)
        self._looks = 0
        self._busy = own
        self._leaving = False

    def run(self) -> None:
        """Take the shard, or wait for its holder to leave."""
        try:
            for _ in range(POLL_ATTEMPTS):
                if self._leaving or self._try_take():
                    return
                with suppress(TimeoutError):
                    cooperative.wait_read(self._offers.fileno(), POLL_SECONDS, TimeoutError())
        finally:
            self._busy = False

    def look(self) -> None:
        """Take a shard that its holder has left or offers, if no other worker has taken it for long."""
        if self.holds or self._busy or self._leaving:
            return
        self._looks = self._looks + 1 if self._is_abandoned() else 0
        if self._looks >= ABANDONED_LOOKS:
            self._looks = 0
            self._busy = True
            gevent.spawn(self._take_abandoned)

    def leave(self) -> None:
        """Take the shard no more, and offer it until another worker has it. The greenlet may be killed."""
        self._leaving = True
        while self.holds:
            own, offered = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with cooperative.socket(fileno=own.detach()) as link:
                with offered:
                    self._send_offer(offered.fileno())
                # An end of the connection means that the worker with the other end has died.
                if link.recv(len(READY)) == READY and self._hand_over(link):
                    self.holds = False
                    return

    def _take_abandoned(self) -> None:
        try:
            self._try_take()
        finally:
            self._busy = False

    def _try_take(self) -> bool:
        link = self._accept_offer()
        if link is not None:
            with link:
                self._receive(link)
        if not self._lock():
            return False
        self.holds = True
        self.shard.start()
        return True

    def _is_abandoned(self) -> bool:
        if self._lock():
            fcntl.lockf(self._line.lock_file, fcntl.LOCK_UN, 1, self._line.lock)
            return True
        try:
            return bool(self._offers.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def _lock(self) -> bool:
        try:
            fcntl.lockf(self._line.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self._line.lock)
        except OSError:
            return False
        return True

    def _send_offer(self, descriptor: int) -> None:
        socket.send_fds(self._offering, [b"offer"], [descriptor])

    def _accept_offer(self) -> Any | None:
        try:
            _, descriptors, _, _ = socket.recv_fds(self._offers, 16, 1)
        except BlockingIOError:
            return None
        return cooperative.socket(fileno=descriptors[0]) if descriptors else None

    def _hand_over(self, link: Any) -> bool:
        """Send all sessions; return whether the successor has them. If it dies, go on without those sent."""
        shard = self.shard
        shard.stop()
        shard.wait_opened()
        sent, received = 0, False
        try:
            for session, sock in shard.release():
                try:
                    socket.send_fds(link, [_encode(session)], [sock.fileno()])
                finally:
                    sock.close()
                sent += 1
            fcntl.lockf(self._line.lock_file, fcntl.LOCK_UN, 1, self._line.lock)
            link.sendall(END)
            received = bool(link.recv(len(RECEIVED)) == RECEIVED)
        except OSError as error:
            log.warning("a successor died while it took over UDP sessions: %s", error)
        if received:
            log.info("%d UDP sessions of entry point %s went to another worker", sent, shard.entry_point)
        elif self._lock():
            shard.start()
        else:
            # Another worker has the shard.
            self.holds = False
        return received

    def _receive(self, link: Any) -> None:
        """Take over the sessions of the worker at the other end of `link`; it may be gone."""
        with suppress(OSError):
            link.sendall(READY)
            while True:
                message, descriptors, _, _ = socket.recv_fds(link, MAX_RECORD, 1)
                if not descriptors:
                    if message == END:
                        link.sendall(RECEIVED)
                    return
                record = _decoder.decode(message)
                self.shard.adopt(
                    tuple(record.client),
                    record.local,
                    Route(record.service, UdpServer("", record.host, record.port)),
                    record.last,
                    own_socket(descriptors[0]),
                )


def own_socket(descriptor: int) -> Any:
    """Return a non-blocking socket, not one of gevent, that owns this descriptor."""
    sock = _socket.socket(fileno=descriptor)
    sock.setblocking(False)
    return sock


def duplicate(descriptor: int) -> Any:
    """Return a non-blocking socket, not one of gevent, on a duplicate of this descriptor."""
    return own_socket(os.dup(descriptor))


def _encode(session: Session) -> bytes:
    route = session.route
    return msgspec.msgpack.encode(
        Record(
            session.client,
            session.local,
            route.service,
            route.server.host,
            route.server.port,
            session.last,
        )
    )
