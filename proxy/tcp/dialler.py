"""Opens connections to one server of a TCP service."""

from __future__ import annotations

import _socket
from math import ceil
from typing import TYPE_CHECKING

from proxy.net.proxy_protocol_header import header_for_client, header_without_client
from proxy.upstream.connection import DialError, dial
from proxy.upstream.pool import REMOVED_DIAL_TIMEOUT, close_all_idle

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.net.deadlines import Sweeper
    from proxy.net.proxy_protocol_header import Addresses
    from proxy.net.stream import Stream
    from proxy.upstream.server_tls import ServerTls
    from rondpoint.tcp.model import TcpServersTransport

DEFAULT_KEEP_ALIVE = 15.0
"""Seconds between keep-alive probes if the transport says 0; those that all connections to servers have."""


class Dialler:
    """Connects to `address` as the transport says; `closed` once no service has the server any more."""

    __slots__ = ("_address", "_sweeper", "_tls", "_transport", "closed")

    def __init__(
        self,
        address: tuple[str, int],
        sweeper: Sweeper,
        transport: TcpServersTransport,
        tls: ServerTls | None = None,
    ) -> None:
        self._address = address
        self._sweeper = sweeper
        self._transport = transport
        self._tls = tls
        self.closed = False

    @property
    def termination_delay(self) -> float:
        """Seconds that one side has to end its stream after the other; negative for no limit."""
        return self._transport.termination_delay

    def dial(self, client: Callable[[], Addresses]) -> Stream:
        """Open a connection for a client, whose addresses `client` returns. Raises DialError."""
        version, timeout = self._transport.proxy_protocol, self._transport.dial_timeout
        if self.closed:
            timeout = min(timeout or REMOVED_DIAL_TIMEOUT, REMOVED_DIAL_TIMEOUT)
        preface = header_for_client(version, client()) if version else b""
        try:
            stream = dial(self._address, self._sweeper, timeout, self._tls, preface=preface)
        except DialError as error:
            if not error.exhausted or not close_all_idle():
                raise
            stream = dial(self._address, self._sweeper, timeout, self._tls, preface=preface)
        self._set_keep_alive(stream)
        return stream

    def probe(self, timeout: float, *, with_tls: bool) -> None:
        """Connect within `timeout` s, and close the connection again. Raises DialError."""
        version = self._transport.proxy_protocol
        preface = header_without_client(version) if version else b""
        dial(self._address, self._sweeper, timeout, self._tls if with_tls else None, preface=preface).close()

    def _set_keep_alive(self, stream: Stream) -> None:
        seconds = self._transport.dial_keep_alive
        if seconds == DEFAULT_KEEP_ALIVE or not seconds:
            return
        if seconds < 0:
            stream.sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 0)
            return
        for option in (_socket.TCP_KEEPIDLE, _socket.TCP_KEEPINTVL):
            stream.sock.setsockopt(_socket.IPPROTO_TCP, option, min(ceil(seconds), _LONGEST_KEEP_ALIVE))


_LONGEST_KEEP_ALIVE = 32767
"""Seconds; the kernel takes no longer ones."""
