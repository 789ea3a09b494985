"""An HTTP client on raw sockets: it sends exactly the given bytes and returns the whole response."""

import http.client
import io
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tests.lab.namespace import connect

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    """A response: `headers` in the order sent, `body` without its chunked coding."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of this header; its name is case-insensitive."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def text(self) -> str:
        """The body as text, without surrounding white space."""
        return self.body.decode("utf-8", "replace").strip()


def request(
    port: int,
    host: str,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Headers = (),
    body: bytes = b"",
    address: str = "127.0.0.1",
    namespace: Path | None = None,
    timeout: float = 30.0,
) -> Response:
    """Send a request over a new connection, with `Connection: close`, and return the response.

    Content-Length is added if there is a body and `headers` has no length. Raises OSError if the connection
    fails or nothing arrives for `timeout` seconds, `http.client.HTTPException` if the response is not HTTP.
    """
    with connect(address, port, namespace=namespace, timeout=timeout) as connection:
        connection.sendall(message(host, path, method=method, headers=headers, body=body, close=True))
        return read_response(connection, method)


def message(
    host: str,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Headers = (),
    body: bytes = b"",
    close: bool = False,
) -> bytes:
    """Return the bytes of a request."""
    fields = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in fields}
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    if close and "connection" not in names:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def read_response(connection: socket.socket, method: str = "GET") -> Response:
    """Return the next final response on this connection; interim ones (1xx except 101) are dropped.

    Bytes after the response may be lost: for pipelined responses use `raw`.
    """
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        return Response(response.status, tuple(response.getheaders()), response.read())
    finally:
        response.close()


def parse(data: bytes, method: str = "GET") -> Response:
    """Return the first response in these bytes."""
    return read_response(cast(socket.socket, _Bytes(data)), method)


def raw(
    port: int,
    data: bytes,
    timeout: float = 30.0,
    *,
    address: str = "127.0.0.1",
    namespace: Path | None = None,
) -> bytes:
    """Send these bytes and return everything received until the other side closes.

    Raises TimeoutError, with the bytes so far in its text, if nothing arrives for `timeout` seconds.
    """
    received = bytearray()
    with connect(address, port, namespace=namespace, timeout=timeout) as connection:
        broken: OSError | None = None
        try:
            try:
                connection.sendall(data)
            except (ConnectionResetError, BrokenPipeError) as error:
                # A server may respond and close before it has read everything; its response is still read.
                broken = error
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            raise TimeoutError(f"nothing more within {timeout} s after {bytes(received)!r}") from None
        except ConnectionResetError as reset:
            broken = reset
        if broken is not None and not received:
            raise broken
    return bytes(received)


def bodies(
    count: int,
    port: int,
    host: str,
    path: str = "/",
    *,
    address: str = "127.0.0.1",
    namespace: Path | None = None,
) -> list[str]:
    """Send `count` requests one after the other, each over a new connection, and return their bodies.

    Raises AssertionError at the first response that is not 200.
    """
    texts = []
    for number in range(count):
        response = request(port, host, path, address=address, namespace=namespace)
        assert response.status == 200, f"request {number + 1} of {count}: {response}"
        texts.append(response.text)
    return texts


def is_round_robin(bodies: list[str], expected: set[str]) -> bool:
    """Return whether these bodies are the expected ones in strict round robin, for more than one round.

    If not, callers try again: on a busy machine a ticket may be late; the worker then uses a ticket of its
    own, which breaks the order.
    """
    count = len(expected)
    first, rest = bodies[:count], bodies[count:]
    return bool(rest) and sorted(first) == sorted(expected) and rest == bodies[: len(rest)]


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)
