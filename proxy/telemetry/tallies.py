"""Counts of what was answered, kept as plain integers that each request finds with its router.

A request pays for all that is done here, so the data path adds to a cell's fields itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterator

from proxy.telemetry.label_sets import LabelSets
from proxy.telemetry.server_tallies import ServerTallies
from rondpoint.model import Router, RouterObservability
from rondpoint.store import metrics
from rondpoint.store.metric_sums import rebucketed
from rondpoint.store.metrics import BOUNDS, GONE, INTERNAL, MOST_FAULTS, Counts

METHODS = frozenset(
    name.encode() for name in ("HEAD", "GET", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
)
EXTENSION_METHOD = b"EXTENSION_METHOD"
"""Stands for every other method, since clients can make up any number of them."""


FAULTS = 500
"""The status from which on requests are remembered one by one."""


class Cell:
    """Requests of one `label_set`, one `method` and one `status`.

    `buckets` lie beside the bounds, each for its own interval; `seconds` is the time of all counted in them.
    `sent` are bytes of bodies to clients, `received` those from them. A connection that was handed over to
    another protocol is `unmeasured`, and so is what was no request.
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
        """Count what another one has counted."""
        self.buckets = list(map(int.__add__, self.buckets, other.buckets))
        self.seconds += other.seconds
        self.sent += other.sent
        self.received += other.received
        self.unmeasured += other.unmeasured


class Tally:
    """One router's requests to one service; `label_sets` holds cells by lane, method and status.

    `retries` counts requests that were sent to one more server; `changed` is set with each count, and taken
    back by who reads them. `observability` is what the router says of itself. `last` is the cell of the last
    request, which is mostly the next one's too: of many routers, each further object that is looked at has to
    come from memory.
    """

    __slots__ = (
        "_bounds",
        "_known",
        "changed",
        "label_sets",
        "last",
        "observability",
        "retries",
        "router",
        "service",
    )

    def __init__(
        self,
        router: str = "",
        service: str = "",
        known: LabelSets | None = None,
        bounds: tuple[float, ...] = BOUNDS,
    ) -> None:
        self.router = router
        self.service = service
        # Not by position: headers that are told apart make a thousand lanes, of which most routers use few.
        self.label_sets: dict[int, dict[bytes, dict[int, Cell]]] = {}
        self.last: Cell | None = None
        self.retries = 0
        self.changed = False
        self.observability: RouterObservability | None = None
        self._known = known
        self._bounds = bounds

    def cell(self, label_set: int, method: bytes, status: int) -> Cell:
        """The cell of such requests, a new one if there was none; it is the `last` from then on, unless they
        are faults.
        """
        counted_in = label_set
        chosen = self.observability
        if chosen is not None and chosen.metrics is not None and self._known is not None:
            counted_in = self._known.metered(label_set, chosen.metrics)
        if method not in METHODS:
            method = EXTENSION_METHOD
        statuses = self.label_sets.setdefault(counted_in, {}).setdefault(method, {})
        cell = statuses.get(status)
        if cell is None:
            cell = statuses[status] = Cell(len(self._bounds) + 1, label_set, method, status)
        # As the next request that is like this one is known by.
        cell.label_set = label_set
        # A fault has to come here each time.
        self.last = cell if status < FAULTS else None
        return cell

    def count(self, label_set: int, method: bytes, status: int, seconds: float, sent: int) -> None:
        """Count one request; the data path does the same by itself."""
        cell = self.cell(label_set, method, status)
        cell.buckets[bisect_left(self._bounds, seconds)] += 1
        cell.seconds += seconds
        cell.sent += sent
        self.changed = True

    @property
    def requests(self) -> int:
        return sum(cell.requests for _, _, _, cell in self._cells())

    def add(self, other: Tally) -> None:
        """Count what another one has counted."""
        for label_set, method, status, cell in other._cells():
            self.cell(label_set, method, status).add(cell)
        self.retries += other.retries
        self.changed = True

    def counts(self) -> Counts:
        """As others read it."""
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
            if self._known is None:
                continue
            label_set = self._known.all[number]
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
                )
            )
        return Counts(
            service=self.service,
            statuses=dict(sorted(statuses.items())),
            buckets=rebucketed(buckets, self._bounds),
            seconds=round(seconds, 6),
            sent=sent,
            retries=self.retries,
            cells=tuple(cells),
            bounds=self._bounds,
        )

    def _cells(self) -> Iterator[tuple[int, bytes, int, Cell]]:
        for number, methods in self.label_sets.items():
            for method, statuses in methods.items():
                for status, cell in statuses.items():
                    yield number, method, status, cell


class Tallies:
    """The tallies of a worker by the field of the store that shows them.

    `unrouted` is for requests that no router took. What the tallies of routers that are gone have counted
    goes on under their services. `replaced` are the fields that have changed hands so, to be told together.
    `faults` are the last requests that were answered with a server's error, as many as asked for: time (Unix
    s), status, method, host and target. `servers` counts the requests that came to one once more.
    """

    def __init__(self, bounds: tuple[float, ...] = BOUNDS, faults: int = MOST_FAULTS) -> None:
        self.bounds = bounds
        self.faults: deque[tuple[float, int, bytes, bytes, bytes]] = deque(maxlen=faults)
        self.label_sets = LabelSets()
        self.servers = ServerTallies(bounds)
        self.unrouted = self._new("", "")
        self._tallies: dict[str, Tally] = {"": self.unrouted}
        self.replaced: set[str] = set()

    def of(self, router: Router) -> Tally:
        """The tally of this router, a new one if that was for another service."""
        tally = self._tallies.get(router.name)
        if tally is None or tally.service != router.service:
            if tally is not None:
                self._depart(tally, tally.service)
                self.replaced.add(router.name)
            tally = self._tallies[router.name] = self._new(router.name, router.service)
        if tally.observability != router.observability:
            tally.observability = router.observability
            tally.last = None
        return tally

    def internal(self, name: str) -> Tally:
        """The tally of a router of the proxy's own, whose service has the same name."""
        tally = self._tallies.get(name)
        if tally is None:
            tally = self._tallies[name] = self._new(name, name)
        return tally

    def all(self) -> list[Tally]:
        """The tallies of routers, and the one of requests that none took."""
        return [tally for name, tally in self._tallies.items() if not name.endswith(GONE)]

    def fields(self) -> dict[str, Tally]:
        """Every tally there is."""
        return dict(self._tallies)

    def get(self, field: str) -> Tally | None:
        return self._tallies.get(field)

    def forget_all_but(self, routers: Collection[str], services: Collection[str]) -> list[str]:
        """Drop the tallies of what is gone; their fields."""
        gone = [
            name
            for name, tally in self._tallies.items()
            if name
            and name != GONE
            and not name.endswith(INTERNAL)
            and (tally.service not in services if name.endswith(GONE) else name not in routers)
        ]
        for name in gone:
            tally = self._tallies.pop(name)
            if tally.label_sets:
                self._depart(tally, tally.service if tally.service in services else "")
        self.replaced.difference_update(gone)
        return gone

    def _depart(self, tally: Tally, service: str) -> None:
        field = service + GONE
        departed = self._tallies.get(field)
        if departed is None:
            departed = self._tallies[field] = self._new("", service)
        departed.add(tally)
        self.replaced.add(field)

    def _new(self, router: str, service: str) -> Tally:
        return Tally(router, service, self.label_sets, self.bounds)
