"""A client of a load: sends a request, reads the whole response, pauses, and repeats."""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from tests.faults.outcomes import Failure, Plan, Tally

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
_CLOSE = re.compile(rb"(?i)\r\nconnection: *close\r\n")


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    port: int
    requests: int = 0

    @property
    def local_port(self) -> int:
        return int(self.writer.get_extra_info("sockname")[1])

    def has_ended(self) -> bool:
        """Return whether the other side has closed it, as far as is known now."""
        return self.reader.at_eof() or self.reader.exception() is not None or self.writer.is_closing()


class Client:
    """Sends requests until it is stopped.

    It closes a keep-alive connection only as RFC 9112 says: if the server closes it while it is idle, or if a
    response says so.
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
        self._keep_alive = number % 2 == 0
        self._method = "GET" if number < plan.clients else "POST"
        self._requests = 0
        self._connection: _Connection | None = None

    async def run(self, end: asyncio.Event) -> None:
        """Send requests until `end` is set; the last request is finished."""
        while not end.is_set():
            await self._send_request()
            await asyncio.sleep(self._plan.pause)
        self._drop()

    async def _send_request(self) -> None:
        self._requests += 1
        self._tally.sent += 1
        message, received = self._message(), bytearray()
        began, status, is_complete, reason = time.time(), 0, False, ""
        try:
            async with asyncio.timeout(self._plan.patience):
                connection = await self._get_connection()
                connection.requests += 1
                connection.writer.write(message)
                await connection.writer.drain()
                status = await _read_response(connection.reader, received)
                is_complete = True
        except TimeoutError:
            reason = f"no complete response within {self._plan.patience:g} s"
        except asyncio.IncompleteReadError:
            reason = "cut" if received else "closed without a response"
        except (OSError, ValueError) as error:
            reason = repr(error)
        ended = time.time()
        self._tally.slowest = max(self._tally.slowest, ended - began)
        if is_complete and status == 200:
            self._tally.succeeded += 1
        else:
            self._tally.failed += 1
            self._record_failure(
                self._failure(message, bytes(received), began, ended, status, is_complete, reason)
            )
        if not is_complete or not self._keep_alive or _CLOSE.search(received):
            self._drop()
        self._publish_counts()

    def _message(self) -> bytes:
        plan = self._plan
        body = "body" if self._method == "POST" else ""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return (
            f"{self._method} {plan.path} HTTP/1.1\r\nHost: {plan.host}\r\n"
            f"X-Load: {self._number}.{self._requests}\r\n{length}\r\n{body}"
        ).encode()

    async def _get_connection(self) -> _Connection:
        if self._connection is not None:
            if not self._connection.has_ended():
                return self._connection
            self._tally.reconnected += 1
            self._drop()
        ports = self._plan.ports
        if not self._plan.handover:
            first = self._number // 2 % len(ports)
            ports = ports[first : first + 1]
        for port in ports[:-1]:
            try:
                return await self._open(port)
            except ConnectionRefusedError:
                self._tally.moved += 1
        return await self._open(ports[-1])

    async def _open(self, port: int) -> _Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        self._connection = _Connection(reader, writer, port)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.writer.close()
            self._connection = None

    def _failure(
        self,
        sent: bytes,
        received: bytes,
        began: float,
        ended: float,
        status: int,
        is_complete: bool,
        reason: str,
    ) -> Failure:
        connection = self._connection
        return Failure(
            client=self._number,
            number=self._requests,
            method=self._method,
            nth=connection.requests if connection else 0,
            port=connection.port if connection else 0,
            local_port=connection.local_port if connection else 0,
            began=began,
            ended=ended,
            reason=reason or f"status {status}",
            status=status,
            is_complete=is_complete,
            sent=sent.decode("latin-1"),
            received=received.decode("latin-1"),
        )


async def _read_response(reader: asyncio.StreamReader, received: bytearray) -> int:
    """Read the next final response into `received`, and return its status."""
    while True:
        del received[:]
        head = await _record(reader.readuntil(b"\r\n\r\n"), received)
        if not head.startswith(b"HTTP/1.1 "):
            raise ValueError("the response is not HTTP/1.1")
        status = int(head[9:12])
        if status >= 200:
            break
    if (length := _LENGTH.search(head)) is None:
        raise ValueError("the response has no length")
    await _record(reader.readexactly(int(length[1])), received)
    return status


async def _record(reading: Coroutine[Any, Any, bytes], received: bytearray) -> bytes:
    try:
        data = await reading
    except asyncio.IncompleteReadError as error:
        received += error.partial
        raise
    received += data
    return data
