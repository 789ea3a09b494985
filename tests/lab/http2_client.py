"""A client of HTTP/2 on the library `h2`, for tests and benchmarks: many streams on one blocking socket."""

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(slots=True)
class Reply:
    """What came back on a stream so far; `status` is 0 before the head, `reset` is the code of RST_STREAM."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    interim: list[tuple[int, list[tuple[str, str]]]] = field(default_factory=list)
    has_ended: bool = False
    reset: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come."""
        return self.has_ended or self.reset is not None

    def header(self, name: str) -> str | None:
        """Return the first value of this field; its name is in lower case."""
        return next((value for key, value in self.headers if key == name), None)


class Http2Client:
    """A connection to a loopback port; leaving `with` closes it.

    Without a `context` it is in clear text, by prior knowledge. With `window`, streams begin with that many
    bytes; with `hold`, the client gives none back, as a client that does not read. `goaway` is the last
    GOAWAY: the last stream that the server takes, and the code.
    """

    def __init__(
        self,
        port: int,
        authority: str,
        *,
        context: ssl.SSLContext | None = None,
        window: int | None = None,
        hold: bool = False,
        timeout: float = 30.0,
    ) -> None:
        self.authority = authority
        self.scheme = "http" if context is None else "https"
        self.replies: dict[int, Reply] = {}
        self.goaway: tuple[int, int] | None = None
        self.is_closed = False
        self.hold = hold
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        # So that small frames leave at once.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            context.set_alpn_protocols(["h2"])
            tls = context.wrap_socket(self.socket, server_hostname=authority)
            assert tls.selected_alpn_protocol() == "h2", tls.selected_alpn_protocol()
            self.socket = tls
        self.connection = H2Connection(H2Configuration(header_encoding="latin-1"))
        if window is not None:
            self.connection.local_settings[SettingCodes.INITIAL_WINDOW_SIZE] = window
        self.connection.initiate_connection()
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; may be called again."""
        self.socket.close()

    def open(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        headers: Headers = (),
        ended: bool = True,
        flush: bool = True,
    ) -> int:
        """Send a request's head on a new stream; return the stream's id."""
        stream = self.connection.get_next_available_stream_id()
        fields = list(headers.items() if isinstance(headers, Mapping) else headers)
        self.connection.send_headers(
            stream,
            [
                (":method", method),
                (":scheme", self.scheme),
                (":authority", self.authority),
                (":path", path),
                *((name.lower(), value) for name, value in fields),
            ],
            end_stream=ended,
        )
        self.replies[stream] = Reply()
        if flush:
            self.flush()
        return stream

    def send(self, stream: int, content: bytes, *, ended: bool = True) -> None:
        """Send content as the windows allow. Raises ConnectionError if the stream is over before its end."""
        rest = memoryview(content)
        while rest:
            room = min(
                self.connection.local_flow_control_window(stream), self.connection.max_outbound_frame_size
            )
            if room <= 0:
                self.receive()
                if self.replies[stream].is_over:
                    raise ConnectionError(f"stream {stream} is over: {self.replies[stream]}")
                continue
            self.connection.send_data(stream, bytes(rest[:room]), end_stream=ended and room >= len(rest))
            self.flush()
            rest = rest[room:]
        if ended and not content:
            self.connection.end_stream(stream)
            self.flush()

    def request(
        self, path: str = "/", *, method: str = "GET", headers: Headers = (), body: bytes = b""
    ) -> Reply:
        """Send a request on a new stream, and return what came back when nothing more can come."""
        stream = self.open(path, method=method, headers=headers, ended=not body)
        if body:
            self.send(stream, body)
        return self.wait(stream)

    def wait(self, *streams: int) -> Reply:
        """Receive until these streams are over, and return the reply of the last one.

        Raises ConnectionError if the server closes the connection before.
        """
        self.receive_until(lambda: all(self.replies[stream].is_over for stream in streams))
        return self.replies[streams[-1]]

    def receive_until(self, condition: Callable[[], bool]) -> None:
        """Receive until the condition holds. Raises ConnectionError if the server closes the connection."""
        while not condition():
            self.receive()

    def receive(self) -> None:
        """Receive once. Raises TimeoutError, and ConnectionError if the server has closed the connection."""
        data = self.socket.recv(65536)
        if not data:
            self.is_closed = True
            raise ConnectionError(f"the server closed the connection (GOAWAY: {self.goaway})")
        for event in self.connection.receive_data(data):
            self._handle(event)
        self.flush()

    def flush(self) -> None:
        """Send the frames that are ready."""
        data = self.connection.data_to_send()
        if data:
            self.socket.sendall(data)

    def _handle(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            self.goaway = event.last_stream_id or 0, int(event.error_code or 0)
            return
        stream = getattr(event, "stream_id", None)
        if stream is None or (reply := self.replies.get(stream)) is None:
            return
        if isinstance(event, ResponseReceived):
            reply.headers = _fields(event.headers)
            reply.status = int(dict(reply.headers)[":status"])
        elif isinstance(event, InformationalResponseReceived):
            fields = _fields(event.headers)
            reply.interim.append((int(dict(fields)[":status"]), fields))
        elif isinstance(event, DataReceived):
            reply.body += event.data or b""
            if not self.hold and event.flow_controlled_length:
                self.connection.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, TrailersReceived):
            reply.trailers = _fields(event.headers)
        elif isinstance(event, StreamEnded):
            reply.has_ended = True
        elif isinstance(event, StreamReset):
            reply.reset = int(event.error_code or 0)


def _fields(headers: Iterable[tuple[bytes | str, bytes | str]] | None) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in headers or ()]
