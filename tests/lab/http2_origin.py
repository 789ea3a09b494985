"""HTTP/2 for handlers of origins, with the `h2` library; odd frames go out as bytes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.settings import SettingCodes, Settings

from tests.lab.origin import Connection

Headers = list[tuple[str, str]]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass(slots=True)
class Call:
    """A request on a stream, as far as it has come; `reset_code` is that of the client's RST_STREAM."""

    stream: int
    headers: Headers
    body: bytearray = field(default_factory=bytearray)
    trailers: Headers = field(default_factory=list)
    ended: bool = False
    reset_code: int | None = None

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def path(self) -> str | None:
        return self.header(":path")


class Http2Session:
    """The server's side of HTTP/2 on an accepted connection, with these settings."""

    def __init__(
        self,
        connection: Connection,
        settings: dict[SettingCodes, int] | None = None,
        *,
        gives_window: bool = True,
    ) -> None:
        self.connection = connection
        self.calls: dict[int, Call] = {}
        self.goes_away: ConnectionTerminated | None = None
        self.pings = 0
        self._gives_window = gives_window
        self._new: list[Call] = []
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        # An update would be announced only with the next SETTINGS.
        self.h2.local_settings = Settings(
            client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: 100, **(settings or {})}
        )
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data:
            self.connection.send(data)

    def receive(self) -> bool:
        """Take what comes next; return False at the end of the connection."""
        data = self.connection.receive()
        if not data:
            return False
        for event in self.h2.receive_data(data):
            self._take(event)
        self.flush()
        return True

    def requests(self) -> Iterator[Call]:
        """Yield requests as their heads come, until the connection ends."""
        while True:
            while not self._new:
                if not self.receive():
                    return
            yield self._new.pop(0)

    def next_call(self) -> Call:
        """Return the next request, whose head has come. Raises AssertionError if the connection ends."""
        found = next(self.requests(), None)
        assert found is not None, "the connection has ended"
        return found

    def whole_calls(self, count: int) -> list[Call]:
        """Return so many requests, each of them whole."""
        calls = [self.next_call() for _ in range(count)]
        for call in calls:
            self.read_body(call)
        return calls

    def read_body(self, call: Call) -> bytes:
        """Receive until the request has ended. Raises AssertionError if it never does."""
        while not call.ended:
            assert self.receive() and call.reset_code is None, "the request was cut short"
        return bytes(call.body)

    def drain(self) -> None:
        """Receive until the end of the connection."""
        while self.receive():
            pass

    def wait_for_reset(self, call: Call) -> int:
        """Receive until the client resets the stream, and return the code."""
        while call.reset_code is None:
            assert self.receive(), "the connection has ended"
        return call.reset_code

    def begin(self, call: Call, *headers: tuple[str, str], status: str = "200", end: bool = False) -> None:
        self.h2.send_headers(call.stream, [(":status", status), *headers], end_stream=end)
        self.flush()

    def send(self, call: Call, data: bytes, *, end: bool = False) -> None:
        """Send content, as windows allow."""
        while data:
            space = min(self.h2.local_flow_control_window(call.stream), self.h2.max_outbound_frame_size)
            if not space:
                assert self.receive() and call.reset_code is None, "the response was cut short"
                continue
            piece, data = data[:space], data[space:]
            self.h2.send_data(call.stream, piece, end_stream=end and not data)
            self.flush()

    def end(self, call: Call, *trailers: tuple[str, str]) -> None:
        if trailers:
            self.h2.send_headers(call.stream, list(trailers), end_stream=True)
        else:
            self.h2.end_stream(call.stream)
        self.flush()

    def respond(self, call: Call, body: bytes = b"", *headers: tuple[str, str], status: str = "200") -> None:
        """Send a whole response with a Content-Length."""
        self.begin(call, ("content-length", str(len(body))), *headers, status=status, end=not body)
        self.send(call, body, end=True)

    def reset(self, call: Call, code: int) -> None:
        self.h2.reset_stream(call.stream, code)
        self.flush()

    def go_away(self, last_stream: int, code: int = 0) -> None:
        """Send a GOAWAY after which the connection lives on."""
        payload = last_stream.to_bytes(4, "big") + code.to_bytes(4, "big")
        self.flush()
        self.connection.send(frame(7, 0, 0, payload))

    def _take(self, event: Event) -> None:
        stream: int | None = getattr(event, "stream_id", None)
        call = self.calls.get(stream or 0)
        if isinstance(event, RequestReceived):
            call = self.calls[event.stream_id] = Call(event.stream_id, [*event.headers])  # type: ignore[list-item]
            self._new.append(call)
        elif isinstance(event, ConnectionTerminated):
            self.goes_away = event
        elif isinstance(event, PingReceived):
            self.pings += 1
        elif isinstance(event, (RemoteSettingsChanged, WindowUpdated)) or call is None:
            return
        elif isinstance(event, DataReceived):
            call.body += event.data
            if self._gives_window and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, TrailersReceived):
            call.trailers = [*event.headers]  # type: ignore[list-item]
        elif isinstance(event, StreamEnded):
            call.ended = True
        elif isinstance(event, StreamReset):
            call.reset_code = int(event.error_code)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame of HTTP/2 (RFC 9113 §4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
