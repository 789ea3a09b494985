"""How an entry point serves connections: plain ones, or those over TLS."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from proxy.downstream.observers import ConnectionSetup
from proxy.downstream.serving import RequestHandler, never


class ServedProtocol(Struct, frozen=True):
    """`routing_point` is the name of the requests in the routing table.

    `is_other` returns whether the first bytes of a client begin another protocol than HTTP/1.1.
    """

    routing_point: str
    setup: ConnectionSetup
    handle: RequestHandler
    is_other: Callable[[bytes], bool] = never
