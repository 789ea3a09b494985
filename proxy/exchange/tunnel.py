"""Joins two connections after 101 Switching Protocols (RFC 9110 §7.8), in both directions with half-close."""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING

import gevent

from proxy.net.stall_detection import SilenceTimeout

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.net.client_stream import ClientStream
    from proxy.net.stream import Stream


def tunnel(downstream: Downstream, server: Stream) -> None:
    """Join client and server until both directions have ended, then close the server's side."""
    client = downstream.stream
    early, downstream.buffer = downstream.buffer, b""
    context = downstream.context
    context.upgrades += 1
    upward = gevent.spawn(_pump, client, server, early)
    try:
        with SilenceTimeout(context.sweeper, downstream.timeouts.tunnel, client, server):
            _pump(server, client, b"")
            upward.join()
    finally:
        context.upgrades -= 1
        upward.kill()
        server.close()


def _pump(source: ClientStream, sink: ClientStream, early: bytes) -> None:
    try:
        data = early or source.recv()
        while data:
            sink.send(data)
            data = source.recv()
    except OSError:
        # A broken side neither sends nor receives any more, so both directions end.
        source.shutdown(_socket.SHUT_RDWR)
        sink.shutdown(_socket.SHUT_RDWR)
        return
    sink.shutdown(_socket.SHUT_WR)
