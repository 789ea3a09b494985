"""A client made of raw sockets: it sends what it is told, byte for byte, and hides nothing of the answer."""

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
    """One answer: `headers` in the order sent, `body` with any chunked coding taken off."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of this header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def text(self) -> str:
        """The body as text, without the white space around it."""
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
    """One request over a new connection, which the request asks to close.

    Content-Length is added when there is a body and `headers` names no length. Raises OSError when the
    connection fails or nothing comes for `timeout` seconds, `http.client.HTTPException` for what is no HTTP.
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
    """The bytes of one request."""
    fields = list(headers.items() if isinstance(headers, Mapping) else headers)
    named = {name.lower() for name, _ in fields}
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body and not named & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    if close and "connection" not in named:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def read_response(connection: socket.socket, method: str = "GET") -> Response:
    """The next final response on this connection; interim ones (1xx, but for 101) are read and dropped.

    Bytes after the response may be lost: for pipelined answers use `raw`.
    """
    answer = http.client.HTTPResponse(connection, method=method)
    try:
        answer.begin()
        return Response(answer.status, tuple(answer.getheaders()), answer.read())
    finally:
        answer.close()


def parse(data: bytes, method: str = "GET") -> Response:
    """The first response in these bytes."""
    return read_response(cast(socket.socket, _Bytes(data)), method)


def raw(
    port: int,
    data: bytes,
    timeout: float = 30.0,
    *,
    address: str = "127.0.0.1",
    namespace: Path | None = None,
) -> bytes:
    """Sends these bytes and returns all that comes until the other side closes.

    Raises TimeoutError, with what has come so far in its text, when nothing more comes for `timeout` seconds.
    """
    received = bytearray()
    with connect(address, port, namespace=namespace, timeout=timeout) as connection:
        broken: OSError | None = None
        try:
            try:
                connection.sendall(data)
            except (ConnectionResetError, BrokenPipeError) as error:
                # A server may answer and close before it has read all; what it said is what counts.
                broken = error
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            raise TimeoutError(f"nothing more within {timeout} s after {bytes(received)!r}") from None
        except ConnectionResetError as error:
            broken = error
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
    """The bodies of so many requests made one after the other, each over a new connection.

    Raises AssertionError at the first answer that is not 200.
    """
    texts = []
    for number in range(count):
        response = request(port, host, path, address=address, namespace=namespace)
        assert response.status == 200, f"request {number + 1} of {count}: {response}"
        texts.append(response.text)
    return texts


def in_turn(answers: list[str], expected: set[str]) -> bool:
    """Whether these answers, one after the other, are the expected ones in strict turn, more than once.

    To be asked again where it is not so: on a busy machine a ticket is late at times, and is replaced by the
    worker's own, which breaks the turn.
    """
    count = len(expected)
    first, rest = answers[:count], answers[count:]
    return bool(rest) and sorted(first) == sorted(expected) and rest == answers[: len(rest)]


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)
