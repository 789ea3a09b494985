"""Dials a server and opens a stream to it, with or without TLS."""

from __future__ import annotations

import _socket
import os
from errno import (
    EALREADY,
    ECONNREFUSED,
    ECONNRESET,
    EHOSTDOWN,
    EHOSTUNREACH,
    EINPROGRESS,
    EISCONN,
    EMFILE,
    ENFILE,
    ETIMEDOUT,
)
from typing import TYPE_CHECKING

from gevent import Timeout
from gevent.socket import getaddrinfo

from proxy.net.stream import Stream
from proxy.net.tls_stream import TlsStream
from rondpoint.servers_transports.client_context import has_uri

if TYPE_CHECKING:
    from proxy.net.deadlines import Sweeper
    from proxy.upstream.server_tls import ServerTls

HANDSHAKE_TIMEOUT = 10.0
"""Seconds that a server has for the TLS handshake, once it is connected; the dial timeout may allow fewer."""

OPTIONS = (
    (_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1),
    # If a server's machine or network vanishes, nothing ends the connection. Keepalive probes break it after
    # a minute without any acknowledgement.
    (_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1),
    (_socket.IPPROTO_TCP, _socket.TCP_KEEPIDLE, 15),
    (_socket.IPPROTO_TCP, _socket.TCP_KEEPINTVL, 15),
    (_socket.IPPROTO_TCP, _socket.TCP_KEEPCNT, 3),
)

_UNREACHABLE = frozenset((ECONNREFUSED, ECONNRESET, EHOSTDOWN, EHOSTUNREACH, ETIMEDOUT))
_EXHAUSTED = frozenset((EMFILE, ENFILE))


class DialError(OSError):
    """The connection to the server failed, and nothing was sent; `timed_out` is set after a timeout.

    `unreachable` means that the server does not accept connections. `handshake_failed` means that it accepts
    them, but not with this transport: no TLS handshake succeeds, or its certificate is a wrong one.
    `exhausted` means that this worker has no file descriptor left. Without any of them, something else is
    wrong: a name, a port or the like.
    """

    def __init__(
        self,
        reason: str,
        *,
        timed_out: bool = False,
        unreachable: bool = False,
        handshake_failed: bool = False,
        exhausted: bool = False,
    ) -> None:
        super().__init__(reason)
        self.timed_out = timed_out
        self.unreachable = unreachable
        self.handshake_failed = handshake_failed
        self.exhausted = exhausted

    def copy(self) -> DialError:
        """Return an equal error, for another request that has waited for the same connection."""
        return DialError(
            str(self),
            timed_out=self.timed_out,
            unreachable=self.unreachable,
            handshake_failed=self.handshake_failed,
            exhausted=self.exhausted,
        )


def dial(
    address: tuple[str, int],
    sweeper: Sweeper,
    timeout: float,
    tls: ServerTls | None = None,
    *,
    preface: bytes = b"",
) -> Stream:
    """Connect to an IP address or name, and port, within `timeout` s (0: no limit). Raises DialError.

    The server gets the `preface` first, before TLS.
    """
    connected = False
    try:
        begun = _begin(address, sweeper) if _is_ip_address(address[0]) else None
        if begun is not None and begun[1] and tls is None and not preface:
            # Nothing has to be awaited; a time-out would cost as much as five system calls.
            return begun[0]
        with Timeout(timeout or None):
            stream = _complete(begun or _begin(_resolve(address), sweeper))
            if preface:
                _send_preface(stream, preface)
            if tls is None:
                return stream
            connected = True
            with Timeout(HANDSHAKE_TIMEOUT):
                return _start_tls(stream, tls, address[0])
    except Timeout:
        if connected:
            raise DialError("TLS handshake timed out", timed_out=True, handshake_failed=True) from None
        raise DialError("dial timed out", timed_out=True, unreachable=True) from None
    except OverflowError as error:
        # The store holds a port that is no valid port number.
        raise DialError(str(error)) from None
    except OSError as os_error:
        if isinstance(os_error, DialError):
            raise
        raise DialError(
            str(os_error),
            unreachable=not connected and os_error.errno in _UNREACHABLE,
            handshake_failed=connected,
            exhausted=os_error.errno in _EXHAUSTED,
        ) from None


def _resolve(address: tuple[str, int]) -> tuple[str, int]:
    """Resolve the address's name without blocking other connections; prefer IPv4."""
    host, port = address
    try:
        name = host.encode("idna")
    except UnicodeError as error:
        raise DialError(f"{host!r} cannot be a host name: {error}") from None
    found = getaddrinfo(name, port, 0, _socket.SOCK_STREAM)
    chosen = min(found, key=lambda entry: entry[0] != _socket.AF_INET)
    return str(chosen[4][0]), port


def _is_ip_address(host: str) -> bool:
    """Return whether the host is an IP address: `connect` with a name would block the whole worker."""
    family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
    try:
        _socket.inet_pton(family, host.partition("%")[0])
    except OSError:
        return False
    return True


def _begin(address: tuple[str, int], sweeper: Sweeper) -> tuple[Stream, bool]:
    """Begin to connect to an IP address; return the stream, and whether it is connected already."""
    family = _socket.AF_INET6 if ":" in address[0] else _socket.AF_INET
    sock = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK)
    try:
        for level, option, value in OPTIONS:
            sock.setsockopt(level, option, value)
        code = sock.connect_ex(address)
        if code == EINPROGRESS:
            # A server on this machine has accepted by now. To ask costs less than a turn of the event loop.
            code = sock.connect_ex(address)
        if code not in {0, EALREADY, EISCONN}:
            raise _dial_error(code)
        return Stream(sock, sweeper), code != EALREADY
    except BaseException:
        sock.close()
        raise


def _complete(begun: tuple[Stream, bool]) -> Stream:
    """Wait until a stream is connected; close it if the waiting greenlet is stopped."""
    stream, is_connected = begun
    try:
        if not is_connected:
            stream.wait_writable()
            code = stream.sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
            if code:
                raise _dial_error(code)
    except BaseException:
        stream.close()
        raise
    return stream


def _dial_error(code: int) -> DialError:
    return DialError(os.strerror(code), unreachable=code in _UNREACHABLE)


def _send_preface(stream: Stream, preface: bytes) -> None:
    try:
        stream.send(preface)
    except BaseException:
        stream.close()
        raise


def _start_tls(stream: Stream, tls: ServerTls, host: str) -> Stream:
    # OpenSSL sends no SNI if the name is an IP address (RFC 6066 §3).
    secured = TlsStream(stream, tls.context, tls.server_name or host)
    if tls.peer_uri and not has_uri(secured.peer_certificate, tls.peer_uri):
        secured.close()
        raise DialError(f"the server's certificate lacks the URI {tls.peer_uri}", handshake_failed=True)
    return secured
