"""One client: a request, its whole answer, a pause, and again."""

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

    def ended(self) -> bool:
        """Whether the other side has ended it, as far as is known by now."""
        return self.reader.at_eof() or self.reader.exception() is not None or self.writer.is_closing()


class Client:
    """Asks until told to end. A kept connection is dropped only as RFC 9112 says: when the server ends it
    while it is idle, or when an answer says so.
    """

    def __init__(
        self,
        number: int,
        plan: Plan,
        tally: Tally,
        tell: Callable[[Failure], None],
        count: Callable[[], None],
    ) -> None:
        self._number = number
        self._plan = plan
        self._tally = tally
        self._tell = tell
        self._count = count
        self._keep = number % 2 == 0
        self._method = "GET" if number < plan.clients else "POST"
        self._requests = 0
        self._connection: _Connection | None = None

    async def run(self, end: asyncio.Event) -> None:
        """Ask until `end`; what has begun then is brought to its end."""
        while not end.is_set():
            await self._ask()
            await asyncio.sleep(self._plan.pause)
        self._drop()

    async def _ask(self) -> None:
        self._requests += 1
        self._tally.sent += 1
        message, received = self._message(), bytearray()
        began, status, whole, what = time.time(), 0, False, ""
        try:
            async with asyncio.timeout(self._plan.patience):
                connection = await self._connected()
                connection.requests += 1
                connection.writer.write(message)
                await connection.writer.drain()
                status = await _answer(connection.reader, received)
                whole = True
        except TimeoutError:
            what = f"no whole answer within {self._plan.patience:g} s"
        except asyncio.IncompleteReadError:
            what = "cut" if received else "ended without an answer"
        except (OSError, ValueError) as error:
            what = repr(error)
        ended = time.time()
        self._tally.slowest = max(self._tally.slowest, ended - began)
        if whole and status == 200:
            self._tally.answered += 1
        else:
            self._tally.failed += 1
            self._tell(self._failure(message, bytes(received), began, ended, status, whole, what))
        if not whole or not self._keep or _CLOSE.search(received):
            self._drop()
        self._count()

    def _message(self) -> bytes:
        plan = self._plan
        body = "body" if self._method == "POST" else ""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return (
            f"{self._method} {plan.path} HTTP/1.1\r\nHost: {plan.host}\r\n"
            f"X-Load: {self._number}.{self._requests}\r\n{length}\r\n{body}"
        ).encode()

    async def _connected(self) -> _Connection:
        if self._connection is not None:
            if not self._connection.ended():
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
        self, sent: bytes, received: bytes, began: float, ended: float, status: int, whole: bool, what: str
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
            what=what or f"status {status}",
            status=status,
            whole=whole,
            sent=sent.decode("latin-1"),
            received=received.decode("latin-1"),
        )


async def _answer(reader: asyncio.StreamReader, received: bytearray) -> int:
    """The status of the next final answer, whose bytes go to `received` as they come."""
    while True:
        del received[:]
        head = await _kept(reader.readuntil(b"\r\n\r\n"), received)
        if not head.startswith(b"HTTP/1.1 "):
            raise ValueError("no answer in HTTP/1.1")
        status = int(head[9:12])
        if status >= 200:
            break
    if (length := _LENGTH.search(head)) is None:
        raise ValueError("an answer without a length")
    await _kept(reader.readexactly(int(length[1])), received)
    return status


async def _kept(reading: Coroutine[Any, Any, bytes], received: bytearray) -> bytes:
    try:
        data = await reading
    except asyncio.IncompleteReadError as error:
        received += error.partial
        raise
    received += data
    return data
