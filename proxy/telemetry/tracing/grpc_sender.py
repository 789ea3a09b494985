"""Sends spans by OTLP over gRPC: one call at a time on a persistent HTTP/2 connection.

gRPC's own library has threads and an event loop that conflict with gevent. A call without streaming is a POST
with trailers in the response. h2 handles the frames; the socket waits as all sockets of a worker do.
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

# Bytes before a message: the compression flag and the length.
_PREFIX = 5

_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

# CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS: the
# retryable codes of OTLP. The HTTP statuses are for responses that are not gRPC.
_RETRYABLE = frozenset(("1", "4", "8", "10", "11", "14", "15"))
_RETRYABLE_HTTP = frozenset(("429", "502", "503", "504"))

# Network errors, HTTP/2 errors, and invalid text in host names or response headers.
_FAULTS = (OSError, H2Error, UnicodeError)


class GrpcSender:
    """Calls the collector's Export method; replaces an idle connection that has broken at once."""

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
                # Read the files only now, so that unusable files affect tracing alone.
                self._secure = _context(self._options)
            connection = _Connection(self._host, self._port, self._secure)
            return self._call(connection, message)
        except _FAULTS as error:
            if connection is not None:
                connection.close()
            return Delivery(str(error) or type(error).__name__, retryable=True)

    def close(self) -> None:
        """Close the connection; the next message opens another one."""
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
                f"it responds with gRPC code {code} {text}".rstrip(), retryable=code in _RETRYABLE
            )
        status = response_headers.get(":status", "")
        return Delivery(
            f"it responds with status {status}, which is not gRPC", retryable=status in _RETRYABLE_HTTP
        )


class _Connection:
    """An HTTP/2 connection to a collector, for one call after the other. Raises the errors in `_FAULTS`."""

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
        """Send a message; return headers and trailers of the response, and its content.

        The content is cut just above MAX_RESPONSE_BYTES, the largest that is parsed.
        """
        h2 = self._h2
        deadline = monotonic() + TIMEOUTS[1]
        stream = h2.get_next_available_stream_id()
        h2.send_headers(stream, headers)
        left = memoryview(message)
        response_headers: dict[str, str] = {}
        content = b""
        while True:
            # As much as flow control allows; the window is negative if the collector has reduced it.
            while left and (
                room := max(0, min(h2.local_flow_control_window(stream), h2.max_outbound_frame_size))
            ):
                h2.send_data(stream, bytes(left[:room]), end_stream=len(left) <= room)
                left = left[room:]
            self._flush()
            for event in self._events(deadline):
                if isinstance(event, ResponseReceived | TrailersReceived) and event.stream_id == stream:
                    response_headers.update((str(name), str(value)) for name, value in event.headers)
                elif isinstance(event, DataReceived) and event.stream_id == stream:
                    content = (content + event.data)[: _PREFIX + MAX_RESPONSE_BYTES + 1]
                elif isinstance(event, StreamEnded) and event.stream_id == stream:
                    if left:
                        # It has responded without reading the rest, and may have reset the stream already.
                        with suppress(StreamClosedError):
                            h2.reset_stream(stream, ErrorCodes.NO_ERROR)
                    self._flush()
                    return response_headers, content
                elif isinstance(event, ConnectionTerminated) or (
                    isinstance(event, StreamReset) and event.stream_id == stream
                ):
                    raise ConnectionResetError(f"the collector aborts with HTTP/2 code {event.error_code}")

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def _events(self, deadline: float) -> list[Event]:
        """Return the next events; acknowledge data and answer pings and settings."""
        self._socket.settimeout(max(0.01, deadline - monotonic()))
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionResetError("the collector has closed the connection")
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
    """Return the one message of a response; treat a compressed one, which we do not ask for, as empty."""
    return content[_PREFIX:] if content[:1] == b"\x00" else b""


def _context(options: OtlpGrpc) -> ssl.SSLContext:
    """Return the TLS context of the settings. Raises OSError for unusable files."""
    tls = options.tls
    context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    context.set_alpn_protocols(["h2"])
    return context
