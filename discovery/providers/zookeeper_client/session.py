"""One session with one ZooKeeper server, on one connection.

Nothing in ZooKeeper belongs to our sessions. So a session never outlives its connection: after a fault, a new
session reads everything again.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from discovery.providers.errors import NotPermittedError, ProviderError
from discovery.providers.zookeeper_client import records
from discovery.providers.zookeeper_client.connection import Connection
from discovery.providers.zookeeper_client.endpoint import Endpoint
from discovery.providers.zookeeper_client.records import Code, Event, Operation, ReadResult, Reply, Xid

SESSION_TIMEOUT = 10.0
"""Seconds without a sign of life after which a session is over; the server may decide otherwise."""

_READS_AT_ONCE = 250
"""Reads in one request; a server refuses requests above 1 MiB."""

_BURST_GAP, _BURST_LENGTH = 0.002, 0.05
"""Events that follow each other within the gap are taken as one burst, up to the length; in seconds."""

T = TypeVar("T")


class Session:
    """A session. Its calls must come from one thread; only `abort` may come from another.

    Calls raise ProviderError, NotPermittedError or, after `abort`, ClosedError.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Open no connection yet; `with` opens it.

        `zxid` is the newest transaction that a reply has named.
        """
        self.zxid = 0
        self._endpoint = endpoint
        self._connection = Connection(endpoint)
        self._events: list[Event] = []
        self._numbers = itertools.count(1)
        self._timeout = SESSION_TIMEOUT
        self._sent_at = self._received_at = time.monotonic()

    def __enter__(self) -> Session:
        try:
            self._open()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def abort(self) -> None:
        """Interrupt a waiting call in another thread, and refuse every later one."""
        self._connection.abort()

    def sync(self, path: str) -> None:
        """Have the server catch up with the leader, so that later reads see every change made before."""
        self._check(self._call(Operation.SYNC, records.encode_path(path)), f"does not synchronise {path}")

    def watch(self, path: str) -> None:
        """Have the server send an event for each change of a path, and of all paths below it."""
        reply = self._call(Operation.ADD_WATCH, records.encode_watch(path))
        if reply.error == Code.NOT_IMPLEMENTED:
            raise ProviderError(
                f"ZooKeeper at {self._endpoint} has no persistent watches", "use ZooKeeper 3.6 or later"
            )
        self._check(reply, f"does not watch {path}")

    def read(self, operation: Operation, paths: Sequence[str]) -> list[ReadResult]:
        """Return the results of one read for each path: of GET_DATA or GET_CHILDREN."""
        results: list[ReadResult] = []
        for start in range(0, len(paths), _READS_AT_ONCE):
            some = paths[start : start + _READS_AT_ONCE]
            reply = self._call(Operation.READ_SEVERAL, records.encode_reads(operation, some))
            self._check(reply, "does not read several znodes at once")
            results += self._decode(records.decode_reads, reply)
        if len(results) != len(paths):
            raise self._not_zookeeper(f"{len(results)} results for {len(paths)} reads")
        return results

    def watch_children(self, path: str) -> list[str] | None:
        """Return the names of a path's children, None if the path does not exist.

        The server sends one event when they change, or when the path is created. Servers before
        ZooKeeper 3.6 do so, too.
        """
        content = records.encode_read(path, watch=True)
        while True:
            reply = self._call(Operation.GET_CHILDREN, content)
            if reply.error != Code.NO_NODE:
                self._check_read(reply, path)
                return self._decode(records.decode_children, reply)
            # A read of a missing path leaves no watch; the question whether it exists does.
            if self._call(Operation.EXISTS, content).error == Code.NO_NODE:
                return None

    def data(self, path: str) -> bytes | None:
        """Return the data of a path, None if it does not exist."""
        reply = self._call(Operation.GET_DATA, records.encode_read(path, watch=False))
        if reply.error == Code.NO_NODE:
            return None
        self._check_read(reply, path)
        return self._decode(records.decode_data, reply)

    def events(self) -> list[Event]:
        """Wait for events; return those of one burst, and forget them."""
        while not self._events and (reply := self._receive(math.inf)) is not None:
            self._take_unasked(reply)
        end = time.monotonic() + _BURST_LENGTH
        while self._events and (reply := self._receive(min(end, time.monotonic() + _BURST_GAP))) is not None:
            self._take_unasked(reply)
        events, self._events = self._events, []
        return events

    def _open(self) -> None:
        self._connection.open()
        self._send(records.encode_connect(int(SESSION_TIMEOUT * 1000)))
        content = self._receive_content(time.monotonic() + SESSION_TIMEOUT)
        if content is None:
            raise self._fault("does not answer")
        try:
            self._timeout = records.decode_connected(content) / 1000
        except ValueError as error:
            raise self._not_zookeeper(error) from error
        if self._timeout <= 0:
            raise self._fault("opens no session")
        if username := self._endpoint.username:
            self._send(records.encode_login(username, self._endpoint.password))
            if self._reply(Xid.LOGIN).error != Code.OK:
                raise NotPermittedError(f"ZooKeeper at {self._endpoint} refuses the login of {username}")

    def _call(self, operation: Operation, content: bytes) -> Reply:
        number = next(self._numbers)
        self._send(records.encode_request(number, operation, content))
        return self._reply(number)

    def _reply(self, number: int) -> Reply:
        end = time.monotonic() + self._timeout
        while (reply := self._receive(end)) is not None:
            if reply.xid == number:
                return reply
            self._take_unasked(reply)
        raise self._fault("does not answer")

    def _take_unasked(self, reply: Reply) -> None:
        """Take a frame that replies to no call: an event, or the reply to a ping."""
        if reply.xid == Xid.PING:
            return
        if reply.xid != Xid.EVENT:
            raise self._not_zookeeper(f"a reply with the number {reply.xid}")
        try:
            self._events.append(records.decode_event(reply.content))
        except ValueError as error:
            raise self._not_zookeeper(error) from error

    def _receive(self, end: float) -> Reply | None:
        """Return the next reply or event, or None at the time `end` (monotonic)."""
        content = self._receive_content(end)
        if content is None:
            return None
        try:
            reply = records.decode_reply(content)
            self.zxid = max(self.zxid, reply.zxid)
            return reply
        except ValueError as error:
            raise self._not_zookeeper(error) from error

    def _receive_content(self, end: float) -> bytes | None:
        """Return the content of the next frame, or None at the time `end`; send pings meanwhile."""
        while True:
            next_ping = self._sent_at + self._timeout / 3
            content = self._connection.receive(min(end, next_ping))
            now = time.monotonic()
            if content is not None:
                self._received_at = now
                return content
            if now - self._received_at > self._timeout * 2 / 3:
                raise self._fault("does not answer")
            if now >= next_ping:
                self._send(records.encode_request(Xid.PING, Operation.PING))
            if now >= end:
                return None

    def _send(self, content: bytes) -> None:
        self._connection.send(content, self._timeout)
        self._sent_at = time.monotonic()

    def _decode(self, decode: Callable[[bytes], T], reply: Reply) -> T:
        try:
            return decode(reply.content)
        except ValueError as error:
            raise self._not_zookeeper(error) from error

    def _check_read(self, reply: Reply, path: str) -> None:
        if reply.error == Code.NO_RIGHT:
            raise NotPermittedError(f"ZooKeeper at {self._endpoint} does not let the agent read {path}")
        self._check(reply, f"does not return {path}")

    def _check(self, reply: Reply, what: str) -> None:
        if reply.error != Code.OK:
            raise self._fault(f"{what} (error {reply.error})")

    def _not_zookeeper(self, reason: object) -> ProviderError:
        return self._fault(f"does not speak ZooKeeper's protocol: {reason}")

    def _fault(self, what: str) -> ProviderError:
        return ProviderError(f"ZooKeeper at {self._endpoint} {what}")
