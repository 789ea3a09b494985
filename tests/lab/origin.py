"""Origin servers for tests of the data path: they keep every request's raw bytes and answer as scripted."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.namespace import socket_in
from tests.lab.ports import free_port


@dataclass(slots=True)
class Request:
    """What came: `head` with its empty line, `body` as on the wire (chunk framing included)."""

    head: bytes
    body: bytes = b""

    @property
    def raw(self) -> bytes:
        return self.head + self.body

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names as sent, values without the white space around them, in order."""
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        """The first value of this header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all(self, name: str) -> list[str]:
        """Every value of this header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(slots=True)
class Connection:
    """One accepted connection, as a handler sees it."""

    socket: socket.socket
    number: int  # of this origin, from 1
    origin: "Origin"
    _buffer: bytearray = field(default_factory=bytearray)

    def read_head(self) -> Request | None:
        """The next request's head, recorded at once; None when the other side has closed between requests."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                return None
        end = self._buffer.index(b"\r\n\r\n") + 4
        request = Request(bytes(self._buffer[:end]))
        del self._buffer[:end]
        self.origin.record(request)
        return request

    def read_body(self, request: Request) -> bytes:
        """The rest of this request, by its Content-Length or chunks; raises ConnectionError if cut short."""
        coding = (request.header("Transfer-Encoding") or "").lower()
        if coding.endswith("chunked"):
            while size := int((line := self._line()).split(b";")[0], 16):
                request.body += line + self._exactly(size + 2)
            request.body += line
            while line != b"\r\n":
                line = self._line()
                request.body += line
        else:
            request.body += self._exactly(int(request.header("Content-Length") or 0))
        return request.body

    def read(self) -> Request | None:
        """The next request, whole."""
        request = self.read_head()
        if request is not None:
            self.read_body(request)
        return request

    def receive(self, size: int = 65536) -> bytes:
        """Bytes as they come, without any framing; empty at the end."""
        if not self._buffer:
            self._receive()
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reset(self) -> None:
        """Ends the connection with a TCP reset instead of an orderly close."""
        # SO_LINGER switched on with zero seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def _receive(self) -> bool:
        piece = self.socket.recv(65536)
        self._buffer += piece
        return bool(piece)

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._receive():
                raise ConnectionError("the request was cut short")
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if not self._receive():
                raise ConnectionError("the request was cut short")
        return self._exactly(self._buffer.index(b"\r\n") + 2)


Handler = Callable[[Connection], None]


class Origin:
    """A server on a free loopback port, one thread to a connection.

    The port is none that the system gives to outgoing connections: another origin may come in its place.

    The handler is called once per connection and owns it: it may serve many requests, and the connection is
    closed when it returns. Fixed bytes are sent in answer to every whole request, keep-alive. What a handler
    asserts in vain is raised at the end of `with`.
    """

    def __init__(self, handler: Handler | bytes, *, port: int = 0, namespace: Path | None = None) -> None:
        """Listens at once; connections are taken inside `with`."""
        self.requests: list[Request] = []
        self._handler = _fixed(handler) if isinstance(handler, bytes) else handler
        self._failures: list[Exception] = []
        self._open: set[socket.socket] = set()
        self._count = 0
        self._changed = threading.Condition()
        self._listener = socket_in(namespace)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port or free_port(namespace=namespace)))
        self._listener.listen(256)
        self.port: int = self._listener.getsockname()[1]

    @classmethod
    def named(cls, name: str, *, port: int = 0, namespace: Path | None = None) -> Self:
        """Answers every request with 200 and its name."""
        return cls(answer(name.encode()), port=port, namespace=namespace)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._count

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name=f"origin {self.port}", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if kind is None and self._failures:
            raise self._failures[0]

    def close(self) -> None:
        """Refuses new connections and cuts the open ones; no error when closed already."""
        self.refuse()
        with self._changed:
            opened = list(self._open)
        for connection in opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def refuse(self) -> None:
        """Stops listening; open connections go on."""
        with suppress(OSError):
            # Wakes the thread that waits in accept(), which closing alone does not.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def record(self, request: Request) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def wait_for_requests(self, count: int, timeout: float = 30.0) -> list[Request]:
        """The requests, once there are so many; raises AssertionError when there are not in time."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.requests) >= count, timeout)
            assert enough, f"{len(self.requests)} requests instead of {count} within {timeout} s"
            return list(self.requests)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._changed:
                    self._open.add(accepted)
                    self._count += 1
                    connection = Connection(accepted, self._count, self)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            self._handler(connection)
        except OSError:
            # The other side's right: tests of cut connections end here.
            pass
        except (AssertionError, ValueError, LookupError) as error:
            self._failures.append(error)
        finally:
            with self._changed:
                self._open.discard(connection.socket)
            connection.socket.close()


Start = Callable[[Handler | bytes], Origin]
"""What the fixture `origin` of the proxy's tests gives."""


def answer(body: bytes, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """The bytes of a response with a Content-Length."""
    head = [
        f"HTTP/1.1 {status}",
        "Content-Type: text/plain",
        *headers,
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(head).encode("latin-1") + body


def _fixed(response: bytes) -> Handler:
    head, _, _ = response.partition(b"\r\n\r\n")

    def handler(connection: Connection) -> None:
        while (request := connection.read_head()) is not None:
            if (request.header("Expect") or "").lower() == "100-continue":
                connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.read_body(request)
            connection.send(head + b"\r\n\r\n" if request.method == "HEAD" else response)

    return handler
