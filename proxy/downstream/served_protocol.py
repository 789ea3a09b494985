"""How an entry point serves connections of one protocol: plain HTTP, or HTTP over TLS."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from proxy.downstream.observers import ConnectionSetup
from proxy.downstream.serving import RequestHandler, never


class ServedProtocol(Struct, frozen=True):
    """`routing_point` is the name of the requests in the routing table.

    `takes_tls` returns whether a client may begin with a TLS handshake instead.
    """

    routing_point: str
    setup: ConnectionSetup
    handle: RequestHandler
    takes_tls: Callable[[], bool] = never
