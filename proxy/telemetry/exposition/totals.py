"""Adds up counts by the labels of the metrics: pure functions of values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from proxy.telemetry.exposition.store_snapshot import Fields
from rondpoint.store.metric_sums import add_buckets, add_worker_counts, rebucket
from rondpoint.store.metrics import BOUNDS, INTERNAL, Cell, Counts, WorkerCounts, is_router

SLICE = 20
"""Fields added up between two yields."""

Labels = tuple[str, ...]


class Sums(Struct, gc=False):
    """Sums of requests with the same labels; `buckets` belong to the bounds of the page."""

    buckets: tuple[int, ...] = ()
    seconds: float = 0.0
    sent: int = 0
    received: int = 0
    unmeasured: int = 0

    @property
    def requests(self) -> int:
        return sum(self.buckets) + self.unmeasured

    def add(self, cell: Cell, buckets: tuple[int, ...]) -> None:
        self.buckets = add_buckets(self.buckets, buckets)
        self.seconds += cell.seconds
        self.sent += cell.sent
        self.received += cell.received
        self.unmeasured += cell.unmeasured


class LevelTotals:
    """Totals of one level.

    `sums` is by code, method, protocol and the level's labels; `labelled` counts requests by these and the
    header labels; `tls` counts requests by TLS version, cipher and the level's labels. The code of a gRPC
    call is its gRPC status.
    """

    def __init__(self, header_labels: int = 0) -> None:
        self._unlabelled = ("",) * header_labels
        self.sums: dict[Labels, Sums] = {}
        self.labelled: dict[Labels, int] = {}
        self.tls: dict[Labels, int] = {}

    def add(self, cell: Cell, buckets: tuple[int, ...], labels: Labels) -> None:
        code = cell.code if cell.grpc_status < 0 else cell.grpc_status
        key = (str(code), cell.method, cell.protocol, *labels)
        sums = self.sums.get(key)
        if sums is None:
            sums = self.sums[key] = Sums()
        sums.add(cell, buckets)
        if self._unlabelled:
            # Counts from before a change of the settings may have other labels.
            same_labels = len(cell.labels) == len(self._unlabelled)
            labelled_key = (*key, *(cell.labels if same_labels else self._unlabelled))
            self.labelled[labelled_key] = self.labelled.get(labelled_key, 0) + cell.requests
        if cell.tls:
            version, _, cipher = cell.tls.partition(" ")
            tls_key = (version, cipher, *labels)
            self.tls[tls_key] = self.tls.get(tls_key, 0) + cell.requests


class Totals:
    """Totals of all levels, of the routers and services in the current configuration."""

    def __init__(self, bounds: tuple[float, ...] = BOUNDS, header_labels: int = 0) -> None:
        self.bounds = bounds
        self.entry_points = LevelTotals(header_labels)
        self.routers = LevelTotals(header_labels)
        self.services = LevelTotals(header_labels)
        self.retries: dict[str, int] = {}
        self.refusals: dict[Labels, int] = {}
        self.own = WorkerCounts()

    def add_all(
        self,
        hashes: Iterable[Fields[Counts | WorkerCounts]],
        routers: Collection[str],
        services: Collection[str],
        yield_if_due: Callable[[], None],
    ) -> None:
        """Add the counts of these hashes; yield regularly."""
        for fields in hashes:
            for number, (name, counts) in enumerate(fields.items()):
                if not number % SLICE:
                    yield_if_due()
                if isinstance(counts, WorkerCounts):
                    self.own = add_worker_counts(self.own, counts)
                else:
                    internal = name.endswith(INTERNAL)
                    has_router = internal or (is_router(name) and name in routers)
                    self._add(name, counts, has_router, internal or counts.service in services)

    def _add(self, name: str, counts: Counts, has_router: bool, has_service: bool) -> None:
        service = counts.service
        for each in counts.refusals:
            key = (each.middleware, each.kind, each.reason)
            self.refusals[key] = self.refusals.get(key, 0) + each.count
        for cell in counts.cells:
            if not cell.entry_point:
                # Not metered: counted for the dashboard only.
                continue
            buckets = rebucket(cell.buckets, counts.bounds, self.bounds)
            self.entry_points.add(cell, buckets, (cell.entry_point,))
            if has_router:
                self.routers.add(cell, buckets, (name, service))
            if has_service and not cell.stopped:
                self.services.add(cell, buckets, (service,))
        if has_service and counts.retries and any(cell.entry_point for cell in counts.cells):
            self.retries[service] = self.retries.get(service, 0) + counts.retries
