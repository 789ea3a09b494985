"""Keep-alive probes, which end the connections of clients that have vanished."""

from __future__ import annotations

import _socket

OPTIONS = (
    # As Traefik's: eight minutes without a sign of the client end the connection.
    (_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1),
    (_socket.IPPROTO_TCP, _socket.TCP_KEEPIDLE, 180),
    (_socket.IPPROTO_TCP, _socket.TCP_KEEPINTVL, 60),
    (_socket.IPPROTO_TCP, _socket.TCP_KEEPCNT, 5),
)
"""A listening socket with these options passes them on, which costs no system calls per connection."""


def set_probes(sock: _socket.socket) -> None:
    """Set the options, unless the listening socket has passed them on.

    A connection that was in its queue before it had them lacks them.
    """
    if not sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE):
        for option in OPTIONS:
            sock.setsockopt(*option)
