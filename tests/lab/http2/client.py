"""A client of HTTP/2 made of bytes."""

import ssl
from collections.abc import Sequence

from tests.lab.http2 import frames, hpack
from tests.lab.http2.hpack import Field
from tests.lab.http2.peer import TIMEOUT, Peer, Stream
from tests.lab.namespace import connect

HOST = b"any.test"


class Client(Peer):
    """A connection by prior knowledge, or over TLS with ALPN. `start` sends the preface."""

    def __init__(
        self,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        name: str = HOST.decode(),
        grants: bool = True,
        table: int = 4096,
        timeout: float = TIMEOUT,
    ) -> None:
        connected = connect("127.0.0.1", port, timeout=timeout)
        if tls is not None:
            connected = tls.wrap_socket(connected, server_hostname=name)
        super().__init__(connected, grants=grants, table=table)
        self._next = 1

    def start(self, *pairs: tuple[int, int]) -> None:
        """Send the preface with these settings, and wait for the server's SETTINGS."""
        self.send(frames.PREFACE, frames.settings(*pairs))
        assert self.wait(lambda: self.count(frames.SETTINGS)), f"no SETTINGS: {self.told()}"

    def request(
        self,
        path: bytes = b"/",
        *,
        method: bytes = b"GET",
        authority: bytes = HOST,
        fields: Sequence[Field] = (),
        content: bytes | None = None,
    ) -> int:
        """Send a request on the next stream and return the stream's number."""
        number = self.next_stream()
        self.send(frames.headers(number, head(path, method, authority, fields=fields), ended=content is None))
        if content is not None:
            self.send_content(number, content)
        return number

    def get(self, path: bytes = b"/", *, timeout: float = TIMEOUT) -> Stream:
        """Send a GET and wait until its stream is over."""
        return self.wait_for(self.request(path), timeout)

    def next_stream(self) -> int:
        """Return the number of the next stream, for frames that the caller makes."""
        number = self._next
        self._next += 2
        return number


def head(
    path: bytes = b"/",
    method: bytes = b"GET",
    authority: bytes = HOST,
    *,
    scheme: bytes = b"http",
    fields: Sequence[Field] = (),
) -> bytes:
    """Return the header block of a request."""
    return hpack.block(
        [(b":method", method), (b":scheme", scheme), (b":authority", authority), (b":path", path), *fields]
    )
