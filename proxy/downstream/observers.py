"""What a worker tells of its requests beyond counts, as the settings ask for it: access log and traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
from msgspec import Struct

from proxy.background.supervised_task import supervised
from proxy.downstream.connection import ClientConnection, TrustedConnection
from proxy.downstream.connection_variants import observed_form
from proxy.downstream.observed_connection import Observation
from proxy.telemetry.access_log import AccessLog
from proxy.telemetry.header_labels import HeaderLabels
from proxy.telemetry.log_writer import LogWriter
from proxy.telemetry.router_log_filter import RouterLogFilter
from proxy.telemetry.tracing.dependencies import packages_installed
from proxy.telemetry.tracing.tracer import LogAndTraceObserver, Tracer

if TYPE_CHECKING:
    from proxy.middlewares.chains import Chains
    from proxy.telemetry.completed_request import Observer
    from proxy.telemetry.exposition.exposition import Exposition
    from proxy.telemetry.label_sets import LabelSets
    from proxy.telemetry.tracing.exporter import Exporter
    from rondpoint.model import RouterObservability
    from rondpoint.settings import EntryPoint, Settings

LAST_SPANS = 2.0
"""Seconds a leaving worker takes at most to tell the collector of its last requests."""

LAST_LINES = 2.0
"""Seconds a leaving worker takes at most to write what is left of the access log."""

Form = Callable[..., ClientConnection]


@dataclass(frozen=True, slots=True)
class Internals:
    """What becomes of requests to the admin entry point: are they counted; who traces and who tells them."""

    counted: bool
    tracer: Tracer | None
    observer: Observer | None


class Asked(Struct, frozen=True):
    """What routers say of themselves: whether to log; and to trace, or tell labels, where others do not."""

    logs: bool = False
    traces: bool = False
    labels: bool = False


class Told:
    """How connections of an entry point begin, of clients and of trusted proxies; and who is told."""

    __slots__ = ("exposition", "form", "log", "observer", "point", "trusted_form")

    def __init__(self, point: EntryPoint, exposition: Exposition | None) -> None:
        self.point = point
        self.exposition = exposition
        self.log: RouterLogFilter | None = None
        self.form: Form = ClientConnection
        self.trusted_form: Form = TrustedConnection
        self.observer: Observer | None = None


class Observers:
    """`access_log` is None where there is none; `chains` are told where their steps are to be timed."""

    def __init__(self, settings: Settings, label_sets: LabelSets, chains: Chains) -> None:
        self._settings = settings
        self._label_sets = label_sets
        self._chains = chains
        self._asked = Asked()
        self._known: list[Told] = []
        prometheus = settings.metrics.prometheus if settings.metrics is not None else None
        self._header_labels = prometheus.header_labels if prometheus is not None else {}
        self.access_log: AccessLog | None = None
        options = settings.access_log
        if options is not None:
            self.access_log = AccessLog(options, LogWriter(options.file_path, options.buffering_size))
        self._tracer: Tracer | None = None
        self._exporter: Exporter | None = None
        self._exporting: gevent.Greenlet[Any, Any] | None = None
        if settings.tracing is not None and packages_installed(settings.tracing):
            # The extra's packages are there for those who use them.
            from proxy.telemetry.tracing.exporter import Exporter  # noqa: PLC0415

            self._tracer = Tracer(settings.tracing)
            self._exporter = Exporter(settings.tracing, self._tracer)

    def start(self) -> None:
        """Spawn what writes and sends."""
        if self._exporter is not None:
            self._exporting = gevent.spawn(supervised, self._exporter.run)
        if self.access_log is not None:
            self.access_log.writer.start()

    def reopen(self) -> None:
        """Go on in new files: the old ones were moved away."""
        if self.access_log is not None:
            self.access_log.writer.reopen()

    def stop(self) -> None:
        """Write and send what is left, as far as that goes in time."""
        if self._exporter is not None and self._exporting is not None:
            # What is being sent now is not to be lost either.
            self._exporter.end()
            self._exporting.join(LAST_SPANS)
            self._exporting.kill()
        if self.access_log is not None:
            self.access_log.writer.close(LAST_LINES)

    def dropped(self) -> tuple[int, int]:
        """Lines and spans that could not be written or sent."""
        return (
            0 if self.access_log is None else self.access_log.writer.dropped,
            0 if self._exporter is None else self._exporter.dropped,
        )

    def internals(self) -> Internals:
        """What is told of requests to the admin entry point."""
        settings = self._settings
        access_log = self.access_log if settings.access_log and settings.access_log.add_internals else None
        tracer = self._tracer if settings.tracing and settings.tracing.add_internals else None
        return Internals(
            settings.metrics is not None and settings.metrics.add_internals,
            tracer,
            _told(access_log, tracer),
        )

    def ask(self, wanted: RouterObservability) -> None:
        """A router wants something told of its requests, or not told; from now on, that is looked at.

        What an entry point tells of nobody else is told from the next connection on.
        """
        asked = Asked(
            self._asked.logs or (wanted.access_logs is not None and self.access_log is not None),
            self._asked.traces or (bool(wanted.tracing) and self._tracer is not None),
            self._asked.labels or (bool(wanted.metrics) and bool(self._header_labels)),
        )
        if wanted.trace_verbosity == "detailed":
            self._detail()
        if asked != self._asked:
            self._asked = asked
            for known in self._known:
                self._renew(known)

    def of(self, point: EntryPoint, exposition: Exposition | None = None) -> Told:
        """How an entry point's connections are; `exposition` is what answers `/metrics` there."""
        told = Told(point, exposition)
        if point.observability.trace_verbosity == "detailed":
            self._detail()
        self._renew(told)
        self._known.append(told)
        return told

    def _detail(self) -> None:
        if self._tracer is not None:
            self._chains.time_steps()

    def _renew(self, told: Told) -> None:
        point, asked = told.point, self._asked
        observability = point.observability
        access_log = self.access_log if observability.access_logs or asked.logs else None
        tracer = self._tracer if observability.tracing or asked.traces else None
        labelled = bool(self._header_labels) and (observability.metrics or asked.labels)
        needs_response_heads = access_log is not None and access_log.needs_response_heads
        observation = Observation(
            request_id=point.request_id,
            labels=HeaderLabels(self._header_labels, self._label_sets) if labelled else None,
            heads=needs_response_heads or (tracer is not None and tracer.needs_response_heads),
            tracer=tracer,
            traced=observability.tracing or tracer is None,
            detailed=observability.trace_verbosity == "detailed" and tracer is not None,
            exposition=told.exposition,
        )
        # Connections that are open have this one object, and so does what they are told by it.
        if access_log is not None:
            if told.log is None:
                told.log = RouterLogFilter(access_log)
            if asked.logs:
                told.log.follow_routers(observability.access_logs)
        told.observer = _told(told.log, tracer)
        if observation == Observation() and not (access_log is not None and access_log.needs_observation):
            told.form, told.trusted_form = ClientConnection, TrustedConnection
            return
        told.form = partial(observed_form(observation), observation=observation)
        told.trusted_form = partial(observed_form(observation, trusted=True), observation=observation)


def _told(access_log: Observer | None, tracer: Tracer | None) -> Observer | None:
    if access_log is None or tracer is None:
        return access_log or tracer
    return LogAndTraceObserver(access_log, tracer)
