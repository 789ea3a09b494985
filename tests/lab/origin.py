"""Origin servers for tests of the data path: they record the raw requests and send scripted responses."""

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
    """A received request: `head` with its empty line, `body` as on the wire (with chunk framing).

    It is recorded after its head; `complete` says whether the whole body has come, too.
    """

    head: bytes
    body: bytes = b""
    complete: bool = False

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
        """The headers in order: names as sent, values without surrounding white space."""
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        """Return the first value of this header; its name is case-insensitive."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all(self, name: str) -> list[str]:
        """Return every value of this header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(slots=True)
class Connection:
    """An accepted connection; a handler gets it."""

    socket: socket.socket
    number: int  # of this origin, from 1
    origin: "Origin"
    _buffer: bytearray = field(default_factory=bytearray)

    def read_head(self) -> Request | None:
        """Read and record the next request's head; return None if the other side closed between requests."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                return None
        end = self._buffer.index(b"\r\n\r\n") + 4
        request = Request(bytes(self._buffer[:end]))
        del self._buffer[:end]
        self.origin.record(request)
        return request

    def read_body(self, request: Request) -> bytes:
        """Read the body by its Content-Length or chunks. Raises ConnectionError if it is cut short."""
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
        request.complete = True
        return request.body

    def read(self) -> Request | None:
        """Read the next whole request; return None if the other side closed."""
        request = self.read_head()
        if request is not None:
            self.read_body(request)
        return request

    def receive(self, size: int = 65536) -> bytes:
        """Return the next bytes without any framing; empty at the end."""
        if not self._buffer:
            self._receive()
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reset(self) -> None:
        """End the connection with a TCP reset instead of an orderly close."""
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
    """A server on a free loopback port, with one thread for each connection.

    The system gives the port to no outgoing connection, so another origin can listen on it later.

    The handler is called once per connection. It may serve many requests; the connection is closed when it
    returns. If bytes are given instead of a handler, they are the response to every request, keep-alive.
    A failed assertion of a handler is raised at the end of `with`.
    """

    def __init__(self, handler: Handler | bytes, *, port: int = 0, namespace: Path | None = None) -> None:
        """Listen at once; connections are accepted inside `with`."""
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
        """Create an origin that responds to every request with 200 and its name."""
        return cls(http_response(name.encode()), port=port, namespace=namespace)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """The number of connections so far."""
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
        """Refuse new connections and cut the open ones; may be called again."""
        self.refuse()
        with self._changed:
            opened = list(self._open)
        for connection in opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def refuse(self) -> None:
        """Stop listening; open connections continue."""
        with suppress(OSError):
            # Wakes the thread in accept(); closing alone does not.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def record(self, request: Request) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def wait_for_requests(self, count: int, timeout: float = 30.0) -> list[Request]:
        """Wait for `count` requests and return all. Raises AssertionError after `timeout` seconds."""
        with self._changed:
            are_enough = self._changed.wait_for(lambda: len(self.requests) >= count, timeout)
            assert are_enough, f"{len(self.requests)} requests instead of {count} within {timeout} s"
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
            # The other side may cut the connection; some tests do.
            pass
        except (AssertionError, ValueError, LookupError) as error:
            self._failures.append(error)
        finally:
            with self._changed:
                self._open.discard(connection.socket)
            connection.socket.close()


Start = Callable[[Handler | bytes], Origin]
"""The type of the fixture `origin` of the proxy's tests."""


class Silent:
    """A handler that reads one request and sends nothing; `ended` is set once the other side has ended."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def __call__(self, connection: Connection) -> None:
        assert connection.read()
        # A worker may close or reset the connection.
        with suppress(ConnectionResetError):
            assert connection.receive() == b""
        self.ended.set()


def http_response(body: bytes, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """Return the bytes of a response with a Content-Length."""
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
