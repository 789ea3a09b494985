"""A server of HTTP/2 made of bytes: one connection of a proxy to it."""

import socket

from tests.lab.http2 import frames, hpack
from tests.lab.http2.hpack import Field
from tests.lab.http2.peer import Peer


class Server(Peer):
    """An accepted connection by prior knowledge; the streams' heads are requests."""

    def __init__(self, accepted: socket.socket, *, grants: bool = True, table: int = 4096) -> None:
        super().__init__(accepted, grants=grants, table=table)
        self.preface = b""

    def start(self, *pairs: tuple[int, int]) -> None:
        """Send the preface with these settings."""
        self.send(frames.settings(*pairs))

    def next_request(self, after: int = 0) -> int:
        """Wait for the head of a request on a stream above this one, and return its number.

        Raises AssertionError if none comes.
        """

        def newer() -> list[int]:
            return [number for number, stream in self.streams.items() if number > after and stream.heads]

        assert self.wait(newer), f"no request: {self.told()}"
        return min(newer())

    def respond(self, number: int, content: bytes = b"hello", status: bytes = b"200") -> None:
        """Send a whole response on this stream."""
        self.send(
            frames.headers(number, response_head(status), ended=False),
            frames.data(number, content, ended=True),
        )

    def _take_frames(self) -> None:
        if len(self.preface) < len(frames.PREFACE):
            missing = len(frames.PREFACE) - len(self.preface)
            self.preface += bytes(self._buffer[:missing])
            del self._buffer[:missing]
            assert frames.PREFACE.startswith(self.preface), self.preface
        super()._take_frames()


def response_head(status: bytes = b"200", *fields: Field) -> bytes:
    """Return the header block of a response."""
    return hpack.block([(b":status", status), *fields])
