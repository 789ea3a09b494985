"""TCP keep-alive for connections that wait for news."""

from __future__ import annotations

import socket

# A waiting query, a watch or an event stream may be silent for minutes. Only TCP keep-alive notices meanwhile
# that the peer has vanished.
KEEP_ALIVE_TIMES = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
"""Seconds of silence before the first probe, seconds between probes, and unanswered probes that end it."""

KEEP_ALIVE = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *((socket.IPPROTO_TCP, option, value) for option, value in KEEP_ALIVE_TIMES.items()),
]
"""Options for the sockets of such connections: level, option, value."""
