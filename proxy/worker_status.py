"""What a worker tells of itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from time import time
from typing import TYPE_CHECKING

from proxy.telemetry.escaping import as_text
from proxy.telemetry.instance import HOST, INSTANCE
from rondpoint import __version__
from rondpoint.store.metrics import Fault, Own
from rondpoint.store.workers import CertificateStatus, WorkerStatus

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.configuration.applier import Applier
    from proxy.configuration.freshness import Freshness
    from proxy.context import Context

_LONGEST = 500
"""Bytes that are told of a part of a fault; clients may make it any length."""


class Census:
    """Reads what the parts of a worker count, whenever it is asked."""

    def __init__(
        self,
        context: Context,
        tickets: Tickets,
        applier: Applier,
        freshness: Freshness,
        dropped: Callable[[], tuple[int, int]],
        certificates: Collection[CertificateStatus] = (),
    ) -> None:
        """`dropped` gives lines of the access log and spans that were lost; `certificates` may still come."""
        self._context = context
        self._tickets = tickets
        self._applier = applier
        self._freshness = freshness
        self._dropped = dropped
        self._certificates = certificates
        self._started_at = time()
        self._pid = os.getpid()

    def status(self) -> WorkerStatus:
        """How it fares now."""
        freshness = self._freshness
        return WorkerStatus(
            name=f"{HOST}:{self._pid}",
            instance=INSTANCE,
            host=HOST,
            pid=self._pid,
            started_at=self._started_at,
            seen_at=time(),
            version=__version__,
            revision=self._applier.revision or 0,
            changed_at=freshness.changed_at,
            confirmed_at=freshness.confirmed_at,
            reloads=freshness.reloads,
            connections=dict(self._context.connections),
            upgrades=self._context.upgrades,
            degraded=self._tickets.degraded,
            certificates=tuple(self._certificates),
        )

    def own(self) -> Own:
        """What it has counted of itself."""
        lines, spans = self._dropped()
        freshness = self._freshness
        return Own(
            tickets=self._tickets.taken,
            local_tickets=self._tickets.local,
            late_tickets=self._tickets.late,
            propagation=tuple(freshness.propagation),
            propagation_seconds=round(freshness.seconds, 6),
            dropped_lines=lines,
            dropped_spans=spans,
            faults=tuple(_fault(*each) for each in reversed(self._context.tallies.faults)),
        )


def _fault(at: float, status: int, method: bytes, host: bytes, target: bytes) -> Fault:
    path = target.partition(b"?")[0]
    return Fault(
        round(at, 6), status, as_text(method[:_LONGEST]), as_text(host[:_LONGEST]), as_text(path[:_LONGEST])
    )
