"""What middlewares and services want of one exchange beyond what every exchange does."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.per_request.retries import Retrying
    from proxy.upstream.endpoint import Endpoint


class Extras:
    """Made for those requests only that want something; gone with the exchange.

    `cookie` is the header line that keeps the client with the server asked, with a leading CRLF, and
    `cookies` are those that keep it with a service; `retrying` is what a retry middleware wants.
    """

    __slots__ = ("_began", "_endpoint", "_ends", "cookie", "cookies", "retrying")

    def __init__(self) -> None:
        self.cookie = self.cookies = b""
        self.retrying: Retrying | None = None
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
        return head + self.cookies + self.cookie

    def at_end(self, call: Callable[[], None]) -> None:
        """Have this called when the exchange is over, whatever became of it."""
        self._ends.append(call)

    def end(self) -> None:
        """The exchange is over."""
        for call in self._ends:
            call()


class Wanting(Protocol):
    """Who may have extras in the present exchange."""

    extras: Extras | None


def extras_of(client: Wanting) -> Extras:
    """Those of the present exchange, made if there are none."""
    extras = client.extras
    if extras is None:
        extras = client.extras = Extras()
    return extras
