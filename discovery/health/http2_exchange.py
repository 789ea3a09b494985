"""One request over HTTP/2 without I/O: the caller sends and receives the bytes.

jh2 does the protocol: a health check is one small request on a connection of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from jh2.config import H2Configuration
from jh2.connection import H2Connection
from jh2.errors import ErrorCodes
from jh2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from jh2.exceptions import ProtocolError

from discovery.health.check_response import ResponseError

MAX_CONTENT = 65536
"""The most bytes of content that are kept; the rest is dropped."""

Fields = Iterable[tuple[str, str]]


class Http2Exchange:
    """A request with `fields` (pseudo-header fields first) and `content`, and its response.

    `output` takes the bytes to send. `fields` are those of the response's head and trailers by name, the last
    one of each name. `begun` becomes true with the head, `finished` at the end.
    """

    def __init__(self, fields: Fields, content: bytes = b"") -> None:
        self.fields: dict[str, str] = {}
        self.content = b""
        self.begun = self.finished = self._received = False
        self._connection = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        self._connection.initiate_connection()
        self._stream = self._connection.get_next_available_stream_id()
        self._connection.send_headers(self._stream, fields, end_stream=not content)
        if content:
            self._connection.send_data(self._stream, content, end_stream=True)

    def output(self) -> bytes:
        """Return the bytes to send now, possibly none."""
        return bytes(self._connection.data_to_send())

    def receive(self, data: bytes) -> None:
        """Take bytes of the server, b"" for the end of the connection. Raises ResponseError."""
        if not data:
            raise ResponseError("it closed the connection without a response")
        # As a frame this would be so long that its end never comes.
        if not self._received and data.startswith(b"HTTP/"):
            raise ResponseError("its response is HTTP/1.1, not HTTP/2")
        self._received = True
        try:
            events = self._connection.receive_data(data)
        except ProtocolError:
            raise ResponseError("its response is not HTTP/2") from None
        for event in events:
            if isinstance(event, ConnectionTerminated) and not event.error_code:
                # The stream may end before the connection does (RFC 9113 §6.8).
                continue
            if isinstance(event, (ConnectionTerminated, StreamReset)):
                raise ResponseError(f"it ended the request with HTTP/2 error {_error_name(event.error_code)}")
            if isinstance(event, (ResponseReceived, TrailersReceived)):
                self.begun = True
                self.fields.update(event.headers)
            elif isinstance(event, DataReceived):
                self.content = (self.content + event.data)[:MAX_CONTENT]
                self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                self.finished = True
                # What comes after the end says nothing about the request.
                return


def _error_name(code: int) -> str:
    try:
        return str(ErrorCodes(code).name)
    except ValueError:
        return str(code)
