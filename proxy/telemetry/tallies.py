"""Request counts of routers, as plain integers that a request finds with its router.

Every request pays for the work done here, so the data path updates a cell's fields itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterator

from proxy.telemetry.connections.tallies import ConnectionTallies
from proxy.telemetry.label_sets import LabelSets
from proxy.telemetry.server_tallies import ServerTallies
from rondpoint.model import Router, RouterObservability
from rondpoint.store import metrics
from rondpoint.store.metric_sums import rebucket
from rondpoint.store.metrics import BOUNDS, DEFAULT_RECENT_ERRORS, INTERNAL, REMOVED_SUFFIX, Counts

METHODS = frozenset(
    name.encode() for name in ("HEAD", "GET", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
)
EXTENSION_METHOD = b"EXTENSION_METHOD"
"""Replaces every other method: clients can make up any number of them."""


MAX_REFUSALS = 1000
"""Refusals by middleware, kind and reason that a tally keeps; the oldest ones are forgotten first.

A router has a fifth of so many middlewares at most, but they change.
"""

SERVER_ERROR_STATUS = 500
"""Lowest status whose requests are also recorded one by one, in `Tallies.recent_errors`."""


class Cell:
    """Counts of requests with one `label_set`, one `method` and one `status`.

    `buckets` are parallel to the bounds, each for its own interval; `seconds` is the total time of the
    requests in them. `sent` are bytes of bodies to clients, `received` bytes of bodies from clients.
    `unmeasured` counts upgraded connections and malformed requests, which are in no bucket.
    """

    __slots__ = ("buckets", "label_set", "method", "received", "seconds", "sent", "status", "unmeasured")

    def __init__(self, buckets: int, label_set: int = 0, method: bytes = b"", status: int = 0) -> None:
        self.label_set = label_set
        self.method = method
        self.status = status
        self.buckets = [0] * buckets
        self.seconds = 0.0
        self.sent = 0
        self.received = 0
        self.unmeasured = 0

    @property
    def requests(self) -> int:
        return sum(self.buckets) + self.unmeasured

    def add(self, other: Cell) -> None:
        """Add the counts of another cell."""
        self.buckets = list(map(int.__add__, self.buckets, other.buckets))
        self.seconds += other.seconds
        self.sent += other.sent
        self.received += other.received
        self.unmeasured += other.unmeasured


class Tally:
    """One router's requests to one service; `label_sets` holds cells by label set, method and status.

    `retries` counts requests that were sent to one more server, `refusals` those that a middleware refused:
    by the middleware's name and kind, and the reason. Each count sets `changed`; the reporter
    resets it. `observability` holds the router's settings. `last` is the cell of the last request; mostly the
    next request has the same one. That saves look-ups: with many routers, each further object is a cache
    miss.
    """

    __slots__ = (
        "_bounds",
        "_known_label_sets",
        "changed",
        "label_sets",
        "last",
        "observability",
        "refusals",
        "retries",
        "router",
        "service",
    )

    def __init__(
        self,
        router: str = "",
        service: str = "",
        known_label_sets: LabelSets | None = None,
        bounds: tuple[float, ...] = BOUNDS,
    ) -> None:
        self.router = router
        self.service = service
        # Not a list: header labels can make a thousand label sets, of which most routers use few.
        self.label_sets: dict[int, dict[bytes, dict[int, Cell]]] = {}
        self.last: Cell | None = None
        self.retries = 0
        self.refusals: dict[tuple[str, str, str], int] = {}
        self.changed = False
        self.observability: RouterObservability | None = None
        self._known_label_sets = known_label_sets
        self._bounds = bounds

    def cell(self, label_set: int, method: bytes, status: int) -> Cell:
        """Return the cell of these requests; create it if needed. Except for errors, keep it in `last`."""
        counted_in = label_set
        chosen = self.observability
        if chosen is not None and chosen.metrics is not None and self._known_label_sets is not None:
            counted_in = self._known_label_sets.with_metered(label_set, chosen.metrics)
        if method not in METHODS:
            method = EXTENSION_METHOD
        statuses = self.label_sets.setdefault(counted_in, {}).setdefault(method, {})
        cell = statuses.get(status)
        if cell is None:
            cell = statuses[status] = Cell(len(self._bounds) + 1, label_set, method, status)
        # The data path compares the connection's label set with this one, even if another one counts.
        cell.label_set = label_set
        # Every server error must take this path, where the data path also records it.
        self.last = cell if status < SERVER_ERROR_STATUS else None
        return cell

    def count(self, label_set: int, method: bytes, status: int, seconds: float, sent: int) -> None:
        """Count one request; the data path does the same inline."""
        cell = self.cell(label_set, method, status)
        cell.buckets[bisect_left(self._bounds, seconds)] += 1
        cell.seconds += seconds
        cell.sent += sent
        self.changed = True

    def count_refusal(self, middleware: str, kind: str, reason: str) -> None:
        """Count one request that this middleware has refused."""
        self._add_refusals((middleware, kind, reason), 1)
        self.changed = True

    @property
    def requests(self) -> int:
        return sum(cell.requests for _, _, _, cell in self._cells())

    def add(self, other: Tally) -> None:
        """Add the counts of another tally."""
        for label_set, method, status, cell in other._cells():
            self.cell(label_set, method, status).add(cell)
        self.retries += other.retries
        for key, count in other.refusals.items():
            self._add_refusals(key, count)
        self.changed = True

    def counts(self) -> Counts:
        """Return the counts in the form of the store."""
        statuses: dict[str, int] = {}
        buckets = [0] * (len(self._bounds) + 1)
        seconds, sent = 0.0, 0
        cells: list[metrics.Cell] = []
        for number, method, status, cell in self._cells():
            name = f"{status // 100}xx"
            statuses[name] = statuses.get(name, 0) + cell.requests
            buckets = list(map(int.__add__, buckets, cell.buckets))
            seconds += cell.seconds
            sent += cell.sent
            if self._known_label_sets is None:
                continue
            label_set = self._known_label_sets.all[number]
            cells.append(
                metrics.Cell(
                    label_set.entry_point if label_set.metered else "",
                    method.decode(),
                    status,
                    label_set.protocol,
                    tuple(cell.buckets),
                    round(cell.seconds, 6),
                    cell.sent,
                    cell.received,
                    cell.unmeasured,
                    label_set.tls,
                    label_set.stopped,
                    label_set.labels,
                    label_set.grpc_status,
                )
            )
        return Counts(
            service=self.service,
            statuses=dict(sorted(statuses.items())),
            buckets=rebucket(buckets, self._bounds),
            seconds=round(seconds, 6),
            sent=sent,
            retries=self.retries,
            refusals=tuple(metrics.Refusals(*key, count) for key, count in self.refusals.items()),
            cells=tuple(cells),
            bounds=self._bounds,
        )

    def _add_refusals(self, key: tuple[str, str, str], count: int) -> None:
        refusals = self.refusals
        before = refusals.get(key)
        if before is None and len(refusals) >= MAX_REFUSALS:
            del refusals[next(iter(refusals))]
        refusals[key] = (before or 0) + count

    def _cells(self) -> Iterator[tuple[int, bytes, int, Cell]]:
        for number, methods in self.label_sets.items():
            for method, statuses in methods.items():
                for status, cell in statuses.items():
                    yield number, method, status, cell


class Tallies:
    """A worker's tallies by their field in the store.

    `unrouted` counts requests that no router matched. The counts of a removed router move to a tally of its
    service; `replaced` holds the fields of such moves, which must be written together. `recent_errors` are
    the last responses with a status from 500 on, as many as the settings ask for: time (Unix seconds),
    status, method, host and target. `servers` counts the same requests by server. `connections` counts those
    of TCP, and sessions of UDP.
    """

    def __init__(
        self, bounds: tuple[float, ...] = BOUNDS, recent_errors: int = DEFAULT_RECENT_ERRORS
    ) -> None:
        self.bounds = bounds
        self.recent_errors: deque[tuple[float, int, bytes, bytes, bytes]] = deque(maxlen=recent_errors)
        self.label_sets = LabelSets()
        self.servers = ServerTallies(bounds)
        self.connections = ConnectionTallies()
        self.unrouted = self._new("", "")
        self._tallies: dict[str, Tally] = {"": self.unrouted}
        self.replaced: set[str] = set()

    def for_router(self, router: Router) -> Tally:
        """Return the tally of this router; begin a new one if its service has changed."""
        tally = self._tallies.get(router.name)
        if tally is None or tally.service != router.service:
            if tally is not None:
                self._move_to_service(tally, tally.service)
                self.replaced.add(router.name)
            tally = self._tallies[router.name] = self._new(router.name, router.service)
        if tally.observability != router.observability:
            tally.observability = router.observability
            tally.last = None
        return tally

    def internal(self, name: str) -> Tally:
        """Return the tally of one of the proxy's own routers, whose service has the same name."""
        tally = self._tallies.get(name)
        if tally is None:
            tally = self._tallies[name] = self._new(name, name)
        return tally

    def all(self) -> list[Tally]:
        """Return the tallies of all routers, and the one of unrouted requests."""
        return [tally for name, tally in self._tallies.items() if not name.endswith(REMOVED_SUFFIX)]

    def fields(self) -> dict[str, Tally]:
        """Return all tallies by field, those of removed routers too."""
        return dict(self._tallies)

    def get(self, field: str) -> Tally | None:
        return self._tallies.get(field)

    def keep_only(self, routers: Collection[str], services: Collection[str]) -> list[str]:
        """Drop the tallies of all other routers and services; return their fields."""
        removed = [
            name
            for name, tally in self._tallies.items()
            if name
            and name != REMOVED_SUFFIX
            and not name.endswith(INTERNAL)
            and (tally.service not in services if name.endswith(REMOVED_SUFFIX) else name not in routers)
        ]
        for name in removed:
            tally = self._tallies.pop(name)
            if tally.label_sets:
                self._move_to_service(tally, tally.service if tally.service in services else "")
        self.replaced.difference_update(removed)
        return removed

    def _move_to_service(self, tally: Tally, service: str) -> None:
        field = service + REMOVED_SUFFIX
        service_tally = self._tallies.get(field)
        if service_tally is None:
            service_tally = self._tallies[field] = self._new("", service)
        service_tally.add(tally)
        self.replaced.add(field)

    def _new(self, router: str, service: str) -> Tally:
        return Tally(router, service, self.label_sets, self.bounds)
