"""What middlewares and services want of one exchange beyond what every exchange does."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.upstream.endpoint import Endpoint


class Extras:
    """Made for those requests only that want something; gone with the exchange.

    `cookies` are header lines for the response, each with a leading CRLF.
    """

    __slots__ = ("_began", "_endpoint", "_ends", "cookies")

    def __init__(self) -> None:
        self.cookies = b""
        self._ends: list[Callable[[], None]] = []
        self._endpoint: Endpoint | None = None
        self._began = 0.0

    def ask(self, endpoint: Endpoint) -> None:
        """A server is asked, and its time to answer is to be observed."""
        self._endpoint = endpoint
        self._began = monotonic()

    def answered(self, head: bytes) -> bytes:
        """The response has begun; `head` as it goes to the client."""
        if self._endpoint is not None:
            now = monotonic()
            self._endpoint.observe(now, now - self._began)
        return head + self.cookies

    def at_end(self, call: Callable[[], None]) -> None:
        """Have this called when the exchange is over, whatever became of it."""
        self._ends.append(call)

    def end(self) -> None:
        """The exchange is over."""
        for call in self._ends:
            call()
