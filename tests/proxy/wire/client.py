"""A client that sends bytes at its own pace: many requests on a connection, or half a request."""

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.lab.namespace import connect

# struct linger: on, zero seconds
RESET = b"\1\0\0\0\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Answer:
    """`head` with its empty line; `body` without its framing, and `trailers` as sent."""

    head: bytes
    body: bytes = b""
    trailers: bytes = b""

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def lines(self) -> list[bytes]:
        """The header lines."""
        return self.head.split(b"\r\n")[1:-2]

    def header(self, name: str) -> str | None:
        """Return the value of this header, or None; raise AssertionError if there are several."""
        found = [
            value.strip().decode("latin-1")
            for key, _, value in (line.partition(b":") for line in self.lines)
            if key.decode("latin-1").lower() == name.lower()
        ]
        assert len(found) < 2, self.head
        return found[0] if found else None


class CutError(Exception):
    """The connection ended before the message; `received` holds the received part of the body."""

    def __init__(self, received: bytes) -> None:
        super().__init__(f"cut after {received[-200:]!r}")
        self.received = received


class Client:
    """One connection. Every wait is bounded by `timeout` seconds (TimeoutError)."""

    def __init__(self, port: int, timeout: float = 30.0) -> None:
        self.socket = connect("127.0.0.1", port, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def half_close(self) -> None:
        """End sending, and keep reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Reset the connection, like a crashed client."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()

    def head(self) -> bytes:
        """Return the next head, with its empty line."""
        return self._until(b"\r\n\r\n")

    def answer(self, method: str = "GET", head: bytes = b"") -> Answer:
        """Return the next response, interim ones included. Raises CutError if it ends early.

        `head` is its head, if that was read before.
        """
        answer = Answer(head or self.head())
        if method == "HEAD" or answer.status < 200 or answer.status in {204, 304}:
            return answer
        if (coding := answer.header("Transfer-Encoding")) is not None:
            assert coding == "chunked", answer.head
            assert answer.header("Content-Length") is None, answer.head
            body, trailers = self._chunked()
            return Answer(answer.head, body, trailers)
        length = answer.header("Content-Length")
        return Answer(answer.head, self.rest() if length is None else self.exactly(int(length)))

    def chunk(self) -> bytes:
        """Return the next chunk of a chunked body; b"" for the last one, before any trailers."""
        size = int(self._until(b"\r\n"), 16)
        return self.exactly(size + 2)[:-2] if size else b""

    def exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._receive():
                raise CutError(bytes(self._buffer))
        return self._take(size)

    def rest(self) -> bytes:
        """Return all bytes until the peer closes. Raises ConnectionResetError."""
        while self._receive():
            pass
        return self._take(len(self._buffer))

    def ended(self) -> bool:
        """Return whether the peer closes without another byte."""
        return self.rest() == b""

    def _chunked(self) -> tuple[bytes, bytes]:
        body = bytearray()
        while True:
            line = self._until(b"\r\n", body)
            size = int(line[:-2], 16)
            assert line == b"%x\r\n" % size, line
            if not size:
                break
            try:
                body += self.exactly(size)
            except CutError as error:
                raise CutError(bytes(body) + error.received) from None
            assert self.exactly(2) == b"\r\n"
        trailers = b""
        while (line := self._until(b"\r\n", body)) != b"\r\n":
            trailers += line
        return bytes(body), trailers

    def _until(self, mark: bytes, body: bytes | bytearray = b"") -> bytes:
        while (found := self._buffer.find(mark)) < 0:
            if not self._receive():
                raise CutError(bytes(body) + bytes(self._buffer))
        return self._take(found + len(mark))

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _receive(self) -> bool:
        piece = self.socket.recv(1 << 16)
        self._buffer += piece
        return bool(piece)
