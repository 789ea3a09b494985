"""TCP keep-alive for connections that wait for news."""

from __future__ import annotations

import socket

KEEP_ALIVE = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # A waiting query, a watch or an event stream may be silent for minutes. Only TCP keep-alive notices
    # meanwhile that the peer has vanished.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]
"""Options for the sockets of such connections."""
