"""Builds the response for `/metrics`, on the admin entry point and on web entry points."""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from time import time

import redis
from msgspec import Struct

from proxy.background.cooperative_yield import CooperativeYield
from proxy.telemetry.instance import INSTANCE
from rondpoint.configuration import Configuration
from rondpoint.settings import PrometheusMetrics
from rondpoint.store.connection_metrics import ActiveConnections
from rondpoint.store.keys import Keys

TEXT = "text/plain; charset=utf-8"

STRETCH = 0.001
"""Seconds of work between two yields; steps that cannot be interrupted take about as long."""


class MetricsResponse(Struct, frozen=True):
    """Status, content type and body of a response; its `pieces` are never joined, since they may be long."""

    status: int
    content_type: str
    pieces: list[bytes]

    @property
    def length(self) -> int:
        """The length of the body in bytes."""
        return sum(map(len, self.pieces))


class Exposition:
    """Renders `/metrics` from the store.

    `current` returns the current configuration. `middlewares` holds the names of its middlewares and of those
    of entry points.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        current: Callable[[], Configuration],
        options: PrometheusMetrics,
        middlewares: Container[str] = (),
    ) -> None:
        self._client = client
        self._keys = keys
        self._current = current
        self._options = options
        self._middlewares = middlewares
        # At the start, not at each request: after the master ends, the system assigns another parent.
        self._master = os.getppid()

    def respond(self, scope: str, accept: str) -> MetricsResponse:
        """Return the metrics of this instance, or of all instances for the scope `installation`.

        `accept` is the client's Accept header. The status is 503 while the store does not respond.
        """
        # Import prometheus_client only if `/metrics` is used.
        from proxy.telemetry.exposition import (  # noqa: PLC0415
            metric_values,
            page,
            process_usage,
            store_snapshot,
        )

        per_instance = scope == "installation"
        options = self._options
        yield_if_due = CooperativeYield(STRETCH)
        current = self._current()
        try:
            snapshot = store_snapshot.read_snapshot(
                self._client,
                self._keys,
                time(),
                yield_if_due,
                "" if per_instance else INSTANCE,
                servers=options.add_servers_labels,
                connections=options.add_routers_labels
                or options.add_services_labels
                or options.add_servers_labels,
            )
        except (redis.RedisError, OSError) as error:
            # Sums of this worker alone would fall, and rise again later.
            return MetricsResponse(503, TEXT, [f"the store does not respond: {error}\n".encode()])
        served = metric_values.ServedConfiguration(
            current.routers,
            current.services,
            self._middlewares,
            # A copy, because the page is made in portions.
            tuple(current.certificates.values()),
            ActiveConnections(current),
        )
        usage = process_usage.read_processes(self._master)
        processes = {} if usage is None else {INSTANCE: usage}
        pieces, content_type = page.page(
            snapshot, served, options, accept, yield_if_due, processes, per_instance=per_instance
        )
        body: list[bytes] = []
        for piece in pieces:
            body.append(piece)
            yield_if_due()
        return MetricsResponse(200, content_type, body)
