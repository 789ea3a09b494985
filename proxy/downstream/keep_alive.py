"""Closes keep-alive connections of clients after some requests or some time (Traefik's `keepAliveMax…`)."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.downstream.client_side import ClientSide
    from proxy.downstream.serving import RequestHandler
    from proxy.http1.request import Request


class KeepAliveLimit(Struct, frozen=True):
    """How many requests a connection may send, and for how many seconds; 0 for no limit.

    A connection ends with a response: the last one that it may get, or the next one after the time.
    """

    requests: int = 0
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.requests or self.seconds)

    def counter(self, clock: Callable[[], float] = monotonic) -> Callable[[], bool]:
        """Return a function for one connection, which begins now: is this request the last one?"""
        ends_at = clock() + self.seconds if self.seconds else float("inf")
        left = self.requests or float("inf")

        def is_last() -> bool:
            nonlocal left
            left -= 1
            return left <= 0 or clock() >= ends_at

        return is_last

    def limited(self, handle: RequestHandler, clock: Callable[[], float] = monotonic) -> RequestHandler:
        """Return `handle` for one connection, which begins now."""
        is_last = self.counter(clock)

        def handle_limited(downstream: ClientSide, request: Request) -> bool:
            if is_last():
                request.keep_alive = False
            return handle(downstream, request)

        return handle_limited
