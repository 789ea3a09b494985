"""OTLP over gRPC: one call at a time on a connection of HTTP/2 that is kept.

The protocol's own library brings threads and an event loop that do not get on with gevent's. A call
without streaming is a POST and trailers, which h2 puts into frames; the waiting is done by sockets as
everywhere in a worker.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error, StreamClosedError

from proxy.telemetry.tracing.delivery import TIMEOUTS, Delivery
from proxy.telemetry.tracing.partial_success import MAX_RESPONSE_BYTES, parse_response
from rondpoint import __version__

if TYPE_CHECKING:
    from rondpoint.settings.tree.tracing import OtlpGrpc

# A message's mark that it is compressed, and its length.
_PREFIX = 5

_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

# CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS: what OTLP
# says may be sent again; and what HTTP says so of, where the answer is no gRPC.
_RETRYABLE = frozenset(("1", "4", "8", "10", "11", "14", "15"))
_RETRYABLE_HTTP = frozenset(("429", "502", "503", "504"))

# Of the network, of HTTP/2, and of what is no text: names of hosts and headers of answers.
_FAULTS = (OSError, H2Error, UnicodeError)


class GrpcSender:
    """Calls the collector's Export. A connection that broke while it lay idle is replaced at once."""

    def __init__(self, options: OtlpGrpc) -> None:
        self.endpoint = options.endpoint
        self._host, self._port = options.host, options.port
        self._headers = [
            (":method", "POST"),
            (":scheme", "http" if options.insecure else "https"),
            (":path", _PATH),
            (":authority", options.endpoint),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("grpc-encoding", "gzip"),
            ("user-agent", f"rondpoint/{__version__}"),
            *((name.lower(), value) for name, value in options.headers.items()),
        ]
        self._options = options
        self._secure: ssl.SSLContext | None = None
        self._connection: _Connection | None = None

    def send(self, body: bytes) -> Delivery:
        message = b"\x01" + len(body).to_bytes(4, "big") + body
        idle, self._connection = self._connection, None
        if idle is not None:
            try:
                return self._call(idle, message)
            except _FAULTS:
                idle.close()
        connection: _Connection | None = None
        try:
            if self._secure is None and not self._options.insecure:
                # Only now: files that cannot be used are to cost traces alone.
                self._secure = _context(self._options)
            connection = _Connection(self._host, self._port, self._secure)
            return self._call(connection, message)
        except _FAULTS as error:
            if connection is not None:
                connection.close()
            return Delivery(str(error) or type(error).__name__, retryable=True)

    def close(self) -> None:
        """End the connection; the next message begins another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _call(self, connection: _Connection, message: bytes) -> Delivery:
        response_headers, content = connection.call(self._headers, message)
        self._connection = connection
        code = response_headers.get("grpc-status", "")
        if code == "0":
            return parse_response(_message(content))
        if code:
            text = unquote(response_headers.get("grpc-message", ""))
            return Delivery(
                f"it answers with gRPC's code {code} {text}".rstrip(), retryable=code in _RETRYABLE
            )
        status = response_headers.get(":status", "")
        return Delivery(f"it answers {status}, and that is no gRPC", retryable=status in _RETRYABLE_HTTP)


class _Connection:
    """A connection of HTTP/2 to a collector, for one call after the other. Raises what `_FAULTS` names."""

    def __init__(self, host: str, port: int, secure: ssl.SSLContext | None) -> None:
        connect, _ = TIMEOUTS
        self._socket = socket.create_connection((host, port), connect)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure is not None:
                self._socket = secure.wrap_socket(self._socket, server_hostname=host)
            self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
            self._h2.initiate_connection()
            self._flush()
        except BaseException:
            self._socket.close()
            raise

    def call(self, headers: list[tuple[str, str]], message: bytes) -> tuple[dict[str, str], bytes]:
        """What headers and trailers of the answer say, and its content, of which more than is read is cut."""
        h2 = self._h2
        until = monotonic() + TIMEOUTS[1]
        stream = h2.get_next_available_stream_id()
        h2.send_headers(stream, headers)
        left = memoryview(message)
        response_headers: dict[str, str] = {}
        content = b""
        while True:
            # As much as the collector is ready to take: less than nothing, where it has second thoughts.
            while left and (
                room := max(0, min(h2.local_flow_control_window(stream), h2.max_outbound_frame_size))
            ):
                h2.send_data(stream, bytes(left[:room]), end_stream=len(left) <= room)
                left = left[room:]
            self._flush()
            for event in self._events(until):
                if isinstance(event, ResponseReceived | TrailersReceived) and event.stream_id == stream:
                    response_headers.update((str(name), str(value)) for name, value in event.headers)
                elif isinstance(event, DataReceived) and event.stream_id == stream:
                    content = (content + event.data)[: _PREFIX + MAX_RESPONSE_BYTES + 1]
                elif isinstance(event, StreamEnded) and event.stream_id == stream:
                    if left:
                        # It has answered without looking at the rest, and may have said that already.
                        with suppress(StreamClosedError):
                            h2.reset_stream(stream, ErrorCodes.NO_ERROR)
                    self._flush()
                    return response_headers, content
                elif isinstance(event, ConnectionTerminated) or (
                    isinstance(event, StreamReset) and event.stream_id == stream
                ):
                    raise ConnectionResetError(
                        f"the collector breaks off with HTTP/2's code {event.error_code}"
                    )

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def _events(self, until: float) -> list[Event]:
        """What comes next; what the connection's upkeep needs is done."""
        self._socket.settimeout(max(0.01, until - monotonic()))
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionResetError("the collector has ended the connection")
        events = self._h2.receive_data(data)
        for event in events:
            if isinstance(event, DataReceived) and event.flow_controlled_length:
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self._flush()
        return events

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._socket.sendall(data)


def _message(content: bytes) -> bytes:
    """The one message of an answer. A compressed one, which we do not ask for, counts as empty."""
    return content[_PREFIX:] if content[:1] == b"\x00" else b""


def _context(options: OtlpGrpc) -> ssl.SSLContext:
    """Raises OSError for files that cannot be used."""
    tls = options.tls
    context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    context.set_alpn_protocols(["h2"])
    return context
