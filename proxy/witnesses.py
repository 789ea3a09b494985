"""What a worker tells of its requests beyond counts, as the settings ask for it: access log and traces."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import gevent
from gevent import Timeout

from proxy.downstream import Downstream, TrustedDownstream
from proxy.observed import Observation, ObservedDownstream, ObservedTrustedDownstream
from proxy.telemetry.access_log import AccessLog
from proxy.telemetry.header_labels import HeaderLabels
from proxy.telemetry.lines import Lines
from proxy.telemetry.tracing.available import available
from proxy.telemetry.tracing.tracer import Both, Tracer

if TYPE_CHECKING:
    from proxy.telemetry.answered import Witness
    from proxy.telemetry.exposition.answer import Exposition
    from proxy.telemetry.lanes import Lanes
    from proxy.telemetry.tracing.exporting import Exporter
    from rondpoint.settings import EntryPoint, Settings

LAST_SPANS = 2.0
"""Seconds a leaving worker takes at most to tell the collector of its last requests."""

LAST_LINES = 2.0
"""Seconds a leaving worker takes at most to write what is left of the access log."""

Form = Callable[..., Downstream]


@dataclass(frozen=True, slots=True)
class Internals:
    """What becomes of requests to the admin entry point: are they counted; who traces and who tells them."""

    counted: bool
    tracer: Tracer | None
    witness: Witness | None


class Witnesses:
    """`access_log` is None where there is none."""

    def __init__(self, settings: Settings, lanes: Lanes) -> None:
        self._settings = settings
        self._lanes = lanes
        prometheus = settings.metrics.prometheus if settings.metrics is not None else None
        self._header_labels = prometheus.header_labels if prometheus is not None else {}
        self.access_log: AccessLog | None = None
        options = settings.access_log
        if options is not None:
            self.access_log = AccessLog(options, Lines(options.file_path, options.buffering_size))
        self._tracer: Tracer | None = None
        self._exporter: Exporter | None = None
        self._exporting: gevent.Greenlet[[], None] | None = None
        if settings.tracing is not None and available():
            # The extra's packages are there for those who use them.
            from proxy.telemetry.tracing.exporting import Exporter  # noqa: PLC0415

            self._tracer = Tracer(settings.tracing)
            self._exporter = Exporter(settings.tracing, self._tracer)

    def start(self) -> None:
        """Spawn what writes and sends."""
        if self._exporter is not None:
            self._exporting = gevent.spawn(self._exporter.run)
        if self.access_log is not None:
            self.access_log.lines.start()

    def reopen(self) -> None:
        """Go on in new files: the old ones were moved away."""
        if self.access_log is not None:
            self.access_log.lines.reopen()

    def stop(self) -> None:
        """Write and send what is left, as far as that goes in time."""
        if self._exporter is not None and self._exporting is not None:
            self._exporting.kill()
            with suppress(Timeout), Timeout(LAST_SPANS):
                self._exporter.flush(until=monotonic())
        if self.access_log is not None:
            self.access_log.lines.close(LAST_LINES)

    def dropped(self) -> tuple[int, int]:
        """Lines and spans that could not be written or sent."""
        return (
            0 if self.access_log is None else self.access_log.lines.dropped,
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

    def of(
        self, point: EntryPoint, exposition: Exposition | None = None
    ) -> tuple[Form, Form, Witness | None]:
        """The forms of an entry point's connections, of clients and of trusted proxies; and who is told.

        `exposition` is what answers `/metrics` there.
        """
        observability = point.observability
        access_log = self.access_log if observability.access_logs else None
        tracer = self._tracer if observability.tracing else None
        labelled = bool(self._header_labels) and observability.metrics
        of_responses = access_log is not None and access_log.of_responses
        observation = Observation(
            request_id=point.request_id,
            labels=HeaderLabels(self._header_labels, self._lanes) if labelled else None,
            heads=of_responses or (tracer is not None and tracer.heads),
            tracer=tracer,
            exposition=exposition,
        )
        witness = _told(access_log, tracer)
        if observation == Observation() and not (access_log is not None and access_log.observed):
            return Downstream, TrustedDownstream, witness
        return (
            partial(ObservedDownstream, observation=observation),
            partial(ObservedTrustedDownstream, observation=observation),
            witness,
        )


def _told(access_log: AccessLog | None, tracer: Tracer | None) -> Witness | None:
    if access_log is None or tracer is None:
        return access_log or tracer
    return Both(access_log, tracer)
