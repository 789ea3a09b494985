"""Sends spans by OTLP over gRPC: one call at a time on a persistent HTTP/2 connection.

gRPC's own library has threads and an event loop that conflict with gevent. A call without streaming is a POST
with trailers in the response. The proxy's own HTTP/2 handles the frames; the socket waits as all sockets of a
worker do.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import unquote

from proxy.http1.header_lines import first_value
from proxy.http2.client_connection import ClientConnection
from proxy.http2.errors import NO_ERROR, ConnectionFault, error_name
from proxy.http2.settings import LocalSettings
from proxy.telemetry.tracing.delivery import TIMEOUTS, Delivery
from proxy.telemetry.tracing.partial_success import MAX_RESPONSE_BYTES, parse_response
from rondpoint import __version__

if TYPE_CHECKING:
    from proxy.http1.response import Response
    from proxy.http2.stream import Stream
    from rondpoint.settings.tree.tracing import OtlpGrpc

# Bytes before a message: the compression flag and the length.
_PREFIX = 5

_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

# CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS: the
# retryable codes of OTLP. The HTTP statuses are for responses that are not gRPC.
_RETRYABLE = frozenset(("1", "4", "8", "10", "11", "14", "15"))
_RETRYABLE_HTTP = frozenset((429, 502, 503, 504))

# Network errors, HTTP/2 errors, and invalid text in host names.
_FAULTS = (OSError, ConnectionFault, UnicodeError)


class GrpcSender:
    """Calls the collector's Export method; replaces an idle connection that has broken at once."""

    def __init__(self, options: OtlpGrpc) -> None:
        self.endpoint = options.endpoint
        self._host, self._port = options.host, options.port
        lines = {
            "host": options.endpoint,
            "content-type": "application/grpc",
            "grpc-encoding": "gzip",
            "user-agent": f"rondpoint/{__version__}",
            **options.headers,
        }
        head = "".join(f"\r\n{name}: {value}" for name, value in lines.items())
        self._head = f"POST {_PATH} HTTP/2.0{head}".encode()
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
        call = connection.call(self._head, message)
        if connection.ends:
            connection.close()
        else:
            self._connection = connection
        code = call.field(b"grpc-status")
        if code == "0":
            return parse_response(_message(call.content))
        if code:
            text = unquote(call.field(b"grpc-message"))
            return Delivery(
                f"it responds with gRPC code {code} {text}".rstrip(), retryable=code in _RETRYABLE
            )
        return Delivery(
            f"it responds with status {call.status}, which is not gRPC",
            retryable=call.status in _RETRYABLE_HTTP,
        )


class _Call:
    """The response to one call, which the connection leaves here as it comes.

    The content is cut just above MAX_RESPONSE_BYTES, the largest that is parsed.
    """

    def __init__(self) -> None:
        self.status = 0
        self.content = b""
        self.over = False
        self.stream: Stream | None = None
        self._lines = b""

    def field(self, name: bytes) -> str:
        """Return the value of a field of the trailers, or else of the head; empty if there is none."""
        return first_value(self._lines, name).decode("utf-8", "replace")

    def head_received(self, response: Response, *, ended: bool) -> None:
        if response.status >= 200:
            self.status = response.status
            self._lines = response.head
        self.over = ended

    def content_received(self, data: bytes) -> None:
        self.content = (self.content + data)[: _PREFIX + MAX_RESPONSE_BYTES + 1]
        if self.stream is not None:
            self.stream.consume(len(data))

    def ended(self, trailers: bytes) -> None:
        self._lines = b"\r\n" + trailers + self._lines
        self.over = True

    def was_reset(self, code: int) -> None:
        """Raise ConnectionResetError, unless the response is complete."""
        if not self.over:
            raise ConnectionResetError(f"the collector aborts with HTTP/2 code {error_name(code)}")

    def can_send(self) -> None:
        """Do nothing: the caller tries again whenever something has come."""


class _Connection:
    """An HTTP/2 connection to a collector, for one call after the other. Raises the errors in `_FAULTS`.

    `ends` means that the collector takes no further calls on it.
    """

    def __init__(self, host: str, port: int, secure: ssl.SSLContext | None) -> None:
        self.ends = False
        connect, _ = TIMEOUTS
        self._socket = socket.create_connection((host, port), connect)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure is not None:
                self._socket = secure.wrap_socket(self._socket, server_hostname=host)
            scheme = b"http" if secure is None else b"https"
            self._core = ClientConnection(self, LocalSettings(), scheme)
            self._flush()
        except BaseException:
            self._socket.close()
            raise

    def call(self, head: bytes, message: bytes) -> _Call:
        """Send a message, and return its response."""
        deadline = monotonic() + TIMEOUTS[1]
        call = _Call()
        call.stream = stream = self._core.open_stream(call, head, ended=False)
        left = memoryview(message)
        while not call.over:
            taken = stream.send(left, ended=True) if left else 0
            left = left[taken:]
            self._flush()
            if not taken:
                self._receive(deadline)
        if left:
            # It has responded without reading the rest.
            stream.reset(NO_ERROR)
            self._flush()
        return call

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def _receive(self, deadline: float) -> None:
        """Take what comes next, and send what is due in return."""
        self._socket.settimeout(max(0.01, deadline - monotonic()))
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionResetError("the collector has closed the connection")
        self._core.receive(data)
        self._flush()

    def _flush(self) -> None:
        if data := self._core.take_output():
            self._socket.sendall(data)

    # What the core tells: the caller looks for output itself.

    def has_output(self) -> None:
        """Do nothing: the caller sends output after each step."""

    def settings_received(self) -> None:
        """Do nothing: one stream at a time is less than any server allows."""

    def peer_goes_away(self, last_stream_id: int, code: int) -> None:
        """Let the next call take another connection; the present one may end."""
        self.ends = True
        self._core.refuse_above(last_stream_id)

    def ping_acknowledged(self, payload: bytes) -> None:
        """Do nothing: no PING is sent."""


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
