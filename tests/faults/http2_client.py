"""A client of a load over HTTP/2: it sends several requests at a time on one connection."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError

from tests.faults.outcomes import Failure, Plan, Tally
from tests.lab.goaway import GoawayFilter

STREAMS = 4
"""The requests that a client sends at a time."""


@dataclass(eq=False)
class _Exchange:
    """A request on its stream, and its response so far; `outcome` is set when nothing more can come."""

    method: str
    nth: int
    status: int = 0
    received: bytearray = field(default_factory=bytearray)
    is_complete: bool = False
    reason: str = ""
    may_repeat: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, reason: str = "", *, may_repeat: bool = False) -> None:
        self.is_complete, self.reason, self.may_repeat = not reason, reason, may_repeat
        self.over.set()


class _Connection(asyncio.Protocol):
    """A connection; it takes no new request once the server has sent GOAWAY or has ended it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.http2 = H2Connection(H2Configuration())
        self._filter = GoawayFilter()
        self.exchanges: dict[int, _Exchange] = {}
        self.requests = 0
        self.is_usable = True
        self.local_port = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.local_port = int(transport.get_extra_info("sockname")[1])
        self.http2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.http2.receive_data(self._filter.feed(data))
        except ProtocolError as error:
            self._end_all(repr(error))
            self.close()
            return
        for event in events:
            self._handle(event)
        if self._filter.found:
            self._go_away(self._filter.found[-1].last_stream)
        self._flush()
        if not self.is_usable and not self.exchanges:
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._end_all("cut" if error is None else repr(error))

    def send(self, method: str, fields: Iterable[tuple[str, str]], body: bytes) -> _Exchange:
        """Send a request on a new stream."""
        self.requests += 1
        exchange = _Exchange(method, self.requests)
        stream = self.http2.get_next_available_stream_id()
        self.exchanges[stream] = exchange
        self.http2.send_headers(stream, [(":method", method), *fields], end_stream=not body)
        if body:
            self.http2.send_data(stream, body, end_stream=True)
        self._flush()
        return exchange

    def close(self) -> None:
        self.is_usable = False
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        if self._transport is not None and (data := self.http2.data_to_send()):
            self._transport.write(data)

    def _handle(self, event: Event) -> None:
        stream = getattr(event, "stream_id", None)
        if stream is None or (exchange := self.exchanges.get(stream)) is None:
            return
        if isinstance(event, ResponseReceived):
            exchange.status = int(dict(event.headers or ())[b":status"])
        elif isinstance(event, DataReceived):
            exchange.received += event.data or b""
            self.http2.acknowledge_received_data(event.flow_controlled_length or 0, stream)
        elif isinstance(event, StreamEnded):
            del self.exchanges[stream]
            exchange.end()
        elif isinstance(event, StreamReset):
            del self.exchanges[stream]
            refused = event.error_code == ErrorCodes.REFUSED_STREAM
            exchange.end(f"reset with {event.error_code!r}", may_repeat=refused)

    def _go_away(self, last: int) -> None:
        self.is_usable = False
        for stream in [each for each in self.exchanges if each > last]:
            self.exchanges.pop(stream).end("not served", may_repeat=True)

    def _end_all(self, reason: str) -> None:
        self.is_usable = False
        for exchange in self.exchanges.values():
            exchange.end(reason)
        self.exchanges.clear()


class Http2Client:
    """Sends requests until it is stopped.

    It sends a request again only if the server says that it was not served: by GOAWAY or REFUSED_STREAM.
    """

    def __init__(
        self,
        number: int,
        plan: Plan,
        tally: Tally,
        record_failure: Callable[[Failure], None],
        publish_counts: Callable[[], None],
    ) -> None:
        self._number = number
        self._plan = plan
        self._tally = tally
        self._record_failure = record_failure
        self._publish_counts = publish_counts
        self._numbers = count(1)
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()

    async def run(self, end: asyncio.Event) -> None:
        """Send requests until `end` is set; the last requests are finished."""
        await asyncio.gather(*(self._run_stream(end) for _ in range(STREAMS)))
        if self._connection is not None:
            self._connection.close()

    async def _run_stream(self, end: asyncio.Event) -> None:
        while not end.is_set():
            await self._send_request(next(self._numbers))
            await asyncio.sleep(self._plan.pause * STREAMS)

    async def _send_request(self, number: int) -> None:
        self._tally.sent += 1
        method = "POST" if self._plan.posts and not number % 2 else "GET"
        connection: _Connection | None = None
        exchange: _Exchange | None = None
        reason, began = "", time.time()
        try:
            async with asyncio.timeout(self._plan.patience):
                while exchange is None or exchange.may_repeat:
                    if exchange is not None:
                        self._tally.repeated += 1
                    connection = await self._get_connection()
                    exchange = connection.send(
                        method, self._fields(number), b"body" if method == "POST" else b""
                    )
                    await exchange.over.wait()
                reason = exchange.reason
        except TimeoutError:
            reason = f"no complete response within {self._plan.patience:g} s"
        except OSError as error:
            reason = repr(error)
        ended = time.time()
        self._tally.slowest = max(self._tally.slowest, ended - began)
        if exchange is not None and exchange.is_complete and exchange.status == 200:
            self._tally.succeeded += 1
        else:
            self._tally.failed += 1
            self._record_failure(self._failure(number, method, connection, exchange, began, ended, reason))
        self._publish_counts()

    def _fields(self, number: int) -> list[tuple[str, str]]:
        return [
            (":scheme", "http"),
            (":authority", self._plan.host),
            (":path", self._plan.path),
            ("x-load", f"{self._number}.{number}"),
        ]

    async def _get_connection(self) -> _Connection:
        async with self._connecting:
            if self._connection is not None and not self._connection.is_usable:
                self._tally.reconnected += 1
                self._connection = None
            if self._connection is None:
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> _Connection:
        ports = self._plan.ports
        if not self._plan.handover:
            first = self._number % len(ports)
            ports = ports[first : first + 1]
        for port in ports[:-1]:
            with suppress(ConnectionRefusedError):
                return await _connect(port)
            self._tally.moved += 1
        return await _connect(ports[-1])

    def _failure(
        self,
        number: int,
        method: str,
        connection: _Connection | None,
        exchange: _Exchange | None,
        began: float,
        ended: float,
        reason: str,
    ) -> Failure:
        is_complete = exchange is not None and exchange.is_complete
        status = exchange.status if exchange is not None else 0
        received = f"HTTP/2 {status}\n{exchange.received.decode('latin-1')}" if exchange and status else ""
        return Failure(
            client=self._number,
            number=number,
            method=method,
            nth=exchange.nth if exchange else 0,
            port=connection.port if connection else 0,
            local_port=connection.local_port if connection else 0,
            began=began,
            ended=ended,
            reason=reason or f"status {status}",
            status=status if is_complete else 0,
            is_complete=is_complete,
            sent=f"HTTP/2 {method} {self._plan.path} {self._number}.{number}",
            received=received,
        )


async def _connect(port: int) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(
        lambda: _Connection(port), "127.0.0.1", port
    )
    return connection
