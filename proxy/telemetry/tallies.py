"""Counts of what was answered, kept as plain integers that each request finds with its router.

A request pays for all that is done here, so the data path adds to a tally's fields itself.
"""

from __future__ import annotations

from collections.abc import Collection

from rondpoint.model import Router
from rondpoint.store.metrics import BOUNDS, Counts


class Tally:
    """One router's requests to one service.

    `statuses` by hundreds; `buckets` by BOUNDS; `seconds` is the time of all counted in buckets; `sent` are
    bytes of bodies. A connection that was handed over to another protocol has no time here.
    """

    __slots__ = ("buckets", "router", "seconds", "sent", "service", "statuses")

    def __init__(self, router: str = "", service: str = "") -> None:
        self.router = router
        self.service = service
        self.statuses = [0] * 10
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.sent = 0

    @property
    def requests(self) -> int:
        return sum(self.statuses)

    def counts(self) -> Counts:
        """As others read it."""
        return Counts(
            service=self.service,
            statuses={f"{hundreds}xx": count for hundreds, count in enumerate(self.statuses) if count},
            buckets=tuple(self.buckets),
            seconds=round(self.seconds, 6),
            sent=self.sent,
        )


class Tallies:
    """The tallies of a worker by router's name; `unrouted` is for requests that no router took."""

    def __init__(self) -> None:
        self.unrouted = Tally()
        self._tallies: dict[str, Tally] = {"": self.unrouted}

    def of(self, router: Router) -> Tally:
        """The tally of this router, a new one if that was for another service."""
        tally = self._tallies.get(router.name)
        if tally is None or tally.service != router.service:
            tally = self._tallies[router.name] = Tally(router.name, router.service)
        return tally

    def all(self) -> list[Tally]:
        """Every tally there is."""
        return list(self._tallies.values())

    def forget_all_but(self, routers: Collection[str]) -> list[str]:
        """Drop the tallies of routers that are gone; their names."""
        gone = [name for name in self._tallies if name and name not in routers]
        for name in gone:
            del self._tallies[name]
        return gone
