"""The observers of a worker's requests besides its counters: access log and traces, by settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import gevent
from msgspec import Struct

from proxy.background.supervised_task import supervised
from proxy.downstream.connection_variants import observed_class
from proxy.downstream.observed_connection import Observation
from proxy.exchange.internal_routes import NO_ROUTES
from proxy.telemetry.access_log import AccessLog
from proxy.telemetry.drawn_ids import DrawnIds
from proxy.telemetry.header_labels import HeaderLabels
from proxy.telemetry.log_writer import LogWriter
from proxy.telemetry.router_log_filter import RouterLogFilter
from proxy.telemetry.tracing.dependencies import packages_installed
from proxy.telemetry.tracing.tracer import LogAndTraceObserver, Tracer

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.downstream.client_side import ClientSide
    from proxy.exchange.internal_routes import InternalRoutes
    from proxy.middlewares.chains import Chains
    from proxy.net.client_stream import ClientStream
    from proxy.telemetry.completed_request import Observer
    from proxy.telemetry.label_sets import LabelSets
    from proxy.telemetry.tracing.exporter import Exporter
    from rondpoint.model import RouterObservability
    from rondpoint.settings import EntryPoint, Settings

SPANS_TIMEOUT = 2.0
"""The most seconds that a leaving worker takes to send its last spans to the collector."""

LINES_TIMEOUT = 2.0
"""The most seconds that a leaving worker takes to write the rest of the access log."""

C = TypeVar("C", bound="ClientSide")


class RouterRequirements(Struct, frozen=True):
    """Observations that any router's own settings require: access log, traces, or header labels."""

    logs: bool = False
    traces: bool = False
    labels: bool = False


class ConnectionSetup:
    """How to create the clients of an entry point, and their observer."""

    __slots__ = ("internal", "log", "observation", "observer", "point")

    def __init__(self, point: EntryPoint, internal: InternalRoutes) -> None:
        self.point = point
        self.internal = internal
        self.log: RouterLogFilter | None = None
        self.observation: Observation | None = None
        self.observer: Observer | None = None

    def create(
        self,
        base: type[C],
        stream: ClientStream,
        peer: str,
        entry_point: str,
        timeouts: ClientTimeouts,
        context: WorkerContext,
        port: int,
        label_set: int,
    ) -> C:
        """Return a client of the class `base`, or of a subclass if its requests are to be observed."""
        arguments = (stream, peer, entry_point, timeouts, context, port, label_set, self.observer)
        if self.observation is None:
            return base(*arguments)
        return cast("C", observed_class(self.observation, base)(*arguments, self.observation))


class Observers:
    """Access log and tracer of a worker; `access_log` is None without one.

    `chains` get a call if the steps of middlewares are to be timed.
    """

    def __init__(self, settings: Settings, label_sets: LabelSets, chains: Chains) -> None:
        self._settings = settings
        self._label_sets = label_sets
        self._chains = chains
        self._required = RouterRequirements()
        self._setups: list[ConnectionSetup] = []
        prometheus = settings.metrics.prometheus if settings.metrics is not None else None
        self._header_labels = prometheus.header_labels if prometheus is not None else {}
        self.access_log: AccessLog | None = None
        options = settings.access_log
        if options is not None:
            self.access_log = AccessLog(options, LogWriter(options.file_path, options.buffering_size))
        self._tracer: Tracer | None = None
        self._exporter: Exporter | None = None
        self._export_greenlet: gevent.Greenlet[Any, Any] | None = None
        if settings.tracing is not None and packages_installed():
            # The packages of the extra may be missing in installations without tracing.
            from proxy.telemetry.tracing.exporter import Exporter  # noqa: PLC0415

            self._tracer = Tracer(settings.tracing)
            self._exporter = Exporter(settings.tracing, self._tracer)

    def start(self) -> None:
        """Start to write the access log and to send spans."""
        if self._exporter is not None:
            self._export_greenlet = gevent.spawn(supervised, self._exporter.run)
        if self.access_log is not None:
            self.access_log.writer.start()

    def reopen(self) -> None:
        """Open the access log again after others have moved it away."""
        if self.access_log is not None:
            self.access_log.writer.reopen()

    def stop(self) -> None:
        """Write and send the rest, as far as the timeouts allow."""
        if self._exporter is not None and self._export_greenlet is not None:
            # Also waits for the spans that are being sent now.
            self._exporter.end()
            self._export_greenlet.join(SPANS_TIMEOUT)
            self._export_greenlet.kill()
        if self.access_log is not None:
            self.access_log.writer.close(LINES_TIMEOUT)

    def dropped(self) -> tuple[int, int]:
        """Return the numbers of access log lines and spans that were lost."""
        return (
            0 if self.access_log is None else self.access_log.writer.dropped,
            0 if self._exporter is None else self._exporter.dropped,
        )

    def setup_for_internals(self, point: EntryPoint) -> ConnectionSetup:
        """Return the setup of the admin entry point's connections, observed only with `addInternals`."""
        settings = self._settings
        setup = ConnectionSetup(point, NO_ROUTES)
        self._observe(
            setup,
            self.access_log if settings.access_log and settings.access_log.add_internals else None,
            self._tracer if settings.tracing and settings.tracing.add_internals else None,
            RouterRequirements(),
        )
        return setup

    def require(self, router_settings: RouterObservability) -> None:
        """Enable the observations that a router's own settings require, in addition to those of its entry
        point.

        An observation that the entry point does not make for other routers begins with the next connection.
        """
        required = RouterRequirements(
            self._required.logs or (router_settings.access_logs is not None and self.access_log is not None),
            self._required.traces or (bool(router_settings.tracing) and self._tracer is not None),
            self._required.labels or (bool(router_settings.metrics) and bool(self._header_labels)),
        )
        if router_settings.trace_verbosity == "detailed":
            self._time_steps()
        if required != self._required:
            self._required = required
            for setup in self._setups:
                self._update(setup)

    def setup_for(self, point: EntryPoint, internal: InternalRoutes) -> ConnectionSetup:
        """Return the setup of an entry point's connections; `internal` are routes before all routers."""
        setup = ConnectionSetup(point, internal)
        if point.observability.trace_verbosity == "detailed":
            self._time_steps()
        self._update(setup)
        self._setups.append(setup)
        return setup

    def _time_steps(self) -> None:
        if self._tracer is not None:
            self._chains.time_steps()

    def _update(self, setup: ConnectionSetup) -> None:
        observability, required = setup.point.observability, self._required
        self._observe(
            setup,
            self.access_log if observability.access_logs or required.logs else None,
            self._tracer if observability.tracing or required.traces else None,
            required,
        )

    def _observe(
        self,
        setup: ConnectionSetup,
        access_log: AccessLog | None,
        tracer: Tracer | None,
        required: RouterRequirements,
    ) -> None:
        point = setup.point
        observability = point.observability
        labelled = bool(self._header_labels) and (observability.metrics or required.labels)
        needs_response_heads = access_log is not None and access_log.needs_response_heads
        observation = Observation(
            request_id=point.request_id,
            labels=HeaderLabels(self._header_labels, self._label_sets) if labelled else None,
            heads=needs_response_heads or (tracer is not None and tracer.needs_response_heads),
            tracer=tracer,
            traced=observability.tracing or tracer is None,
            detailed=observability.trace_verbosity == "detailed" and tracer is not None,
            internal=setup.internal,
            drawn=DrawnIds(request_ids=point.request_id, bound=b"" if tracer is None else tracer.bound),
        )
        # Open connections keep this one object, so the change applies to them as well.
        if access_log is not None:
            if setup.log is None:
                setup.log = RouterLogFilter(access_log)
            if required.logs:
                setup.log.follow_routers(observability.access_logs)
        setup.observer = _combine(setup.log, tracer)
        needed = observation != Observation() or (access_log is not None and access_log.needs_observation)
        setup.observation = observation if needed else None


def _combine(access_log: Observer | None, tracer: Tracer | None) -> Observer | None:
    if access_log is None or tracer is None:
        return access_log or tracer
    return LogAndTraceObserver(access_log, tracer)
