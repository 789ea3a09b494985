"""Reports a worker's status and counters to the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from time import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.telemetry.escaping import as_text
from proxy.telemetry.instance import HOST, INSTANCE
from proxy.udp.session_table import SessionTable
from rondpoint import __version__
from rondpoint.store.metrics import ServerError, WorkerCounts
from rondpoint.store.workers import CertificateStatus, WorkerStatus

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.configuration.applier import Applier
    from proxy.configuration.freshness import Freshness
    from proxy.context import WorkerContext
    from proxy.tls.entry_point_contexts import EntryPointContexts

_MAX_PART_BYTES = 500
"""The most bytes of each part of a fault that are reported; clients may send parts of any length."""


class StatusReporter:
    """Collects the status and counters of the worker's components when it is called."""

    def __init__(
        self,
        context: WorkerContext,
        tickets: Tickets,
        applier: Applier,
        freshness: Freshness,
        dropped: Callable[[], tuple[int, int]],
        certificates: Collection[CertificateStatus] = (),
        tls_contexts: Mapping[str, EntryPointContexts] = MappingProxyType({}),
        udp: SessionTable | None = None,
    ) -> None:
        """`dropped` returns the lost access log lines and spans.

        `certificates` and `tls_contexts`, those of entry points, may still grow.
        """
        self._context = context
        self._tickets = tickets
        self._applier = applier
        self._freshness = freshness
        self._dropped = dropped
        self._certificates = certificates
        self._tls_contexts = tls_contexts
        self._udp = SessionTable(0) if udp is None else udp
        self._started_at = time()
        self._pid = os.getpid()

    def status(self) -> WorkerStatus:
        """Return the worker's current status."""
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
            udp_sessions=dict(self._udp.by_entry_point),
        )

    def counters(self) -> WorkerCounts:
        """Return the counters of the worker itself."""
        lines, spans = self._dropped()
        freshness = self._freshness
        copies = self._context.copies
        return WorkerCounts(
            tickets=self._tickets.taken,
            local_tickets=self._tickets.local,
            late_tickets=self._tickets.late,
            propagation=tuple(freshness.propagation),
            propagation_seconds=round(freshness.seconds, 6),
            dropped_lines=lines,
            dropped_spans=spans,
            copies_sent=copies.sent,
            copies_failed=copies.failed,
            copies_dropped=copies.dropped,
            recent_errors=tuple(
                _server_error(*each) for each in reversed(self._context.tallies.recent_errors)
            ),
            handshake_failures={
                name: dict(contexts.failures)
                for name, contexts in self._tls_contexts.items()
                if contexts.failures
            },
            udp_sessions=self._udp.begun,
            udp_refused_sessions=self._udp.refused,
            udp_dropped_datagrams=self._udp.dropped,
        )


def _server_error(at: float, status: int, method: bytes, host: bytes, target: bytes) -> ServerError:
    path = target.partition(b"?")[0]
    return ServerError(
        round(at, 6),
        status,
        as_text(method[:_MAX_PART_BYTES]),
        as_text(host[:_MAX_PART_BYTES]),
        as_text(path[:_MAX_PART_BYTES]),
    )
