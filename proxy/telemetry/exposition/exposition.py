"""What is answered to who asks for `/metrics`, wherever it is served."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import time

import redis
from msgspec import Struct

from proxy.background.cooperative_yield import CooperativeYield
from proxy.telemetry.instance import INSTANCE
from rondpoint.model import Configuration
from rondpoint.settings import PrometheusMetrics
from rondpoint.store.keys import Keys

TEXT = "text/plain; charset=utf-8"


class MetricsResponse(Struct, frozen=True):
    status: int
    content_type: str
    body: bytes


class Exposition:
    """Reads the store anew for each answer; `in_force` gives the routers and services that there are."""

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        in_force: Callable[[], Configuration],
        options: PrometheusMetrics,
    ) -> None:
        self._client = client
        self._keys = keys
        self._in_force = in_force
        self._options = options
        # Now and not when asked: the system puts another one in the place of a master that is gone.
        self._master = os.getppid()

    def answer(self, scope: str, accept: str) -> MetricsResponse:
        """The figures of this instance, or of each one with the scope `installation`; 503 without the store.

        `accept` is the client's header.
        """
        # The library is there for those who use it.
        from proxy.telemetry.exposition import (  # noqa: PLC0415
            metric_values,
            page,
            process_usage,
            store_snapshot,
        )

        per_instance = scope == "installation"
        yield_if_due = CooperativeYield()
        in_force = self._in_force()
        try:
            snapshot = store_snapshot.read_snapshot(
                self._client,
                self._keys,
                time(),
                yield_if_due,
                "" if per_instance else INSTANCE,
                servers=self._options.add_servers_labels,
            )
        except (redis.RedisError, OSError) as error:
            # Sums of what is known here would fall, and rise again later.
            return MetricsResponse(503, TEXT, f"the store does not answer: {error}\n".encode())
        served = metric_values.ServedConfiguration(in_force.routers, in_force.services)
        used = process_usage.read_processes(self._master)
        known = {} if used is None else {INSTANCE: used}
        body, content_type = page.page(
            snapshot, served, self._options, accept, yield_if_due, known, per_instance=per_instance
        )
        return MetricsResponse(200, content_type, body)
