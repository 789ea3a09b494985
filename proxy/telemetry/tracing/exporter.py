"""Tells a collector of finished requests, once a second; nothing of the data path waits for it."""

from __future__ import annotations

import gzip
import logging
from typing import TYPE_CHECKING

from gevent import get_hub
from gevent.event import Event
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.sdk.resources import Resource as Described

from proxy.background.cooperative_yield import CooperativeYield
from proxy.telemetry.instance import INSTANCE
from proxy.telemetry.tracing.http_sender import HttpSender
from proxy.telemetry.tracing.otlp_values import any_value
from proxy.telemetry.tracing.spans import Spans
from rondpoint import __version__

if TYPE_CHECKING:
    from proxy.telemetry.tracing.delivery import Delivery, Sender
    from proxy.telemetry.tracing.traced_request import TracedRequest
    from proxy.telemetry.tracing.tracer import Tracer
    from rondpoint.settings import Tracing

log = logging.getLogger(__name__)

INTERVAL = 1.0

BATCH = 500
"""Requests told of at once."""

ATTEMPTS = 4
"""How often a batch is sent that could not be delivered, with pauses of 1, 2 and 4 seconds between."""

MAX_WARNINGS = 20
"""Of spans rejected, that are told; a collector that names spans in them has ever new ones."""


class Exporter:
    """`run` tells of what the tracer has kept; `dropped` counts spans that no collector has taken."""

    def __init__(self, options: Tracing, tracer: Tracer) -> None:
        self._tracer = tracer
        self._spans = Spans(options)
        self._dropped = 0
        self._failure_logged = False
        self._logged_warnings: set[tuple[bool, str]] = set()
        self._ending = Event()
        described = Described.create(
            {
                "service.name": options.service_name,
                "service.version": __version__,
                "service.instance.id": INSTANCE,
                **options.resource_attributes,
            }
        )
        self._resource = Resource(
            attributes=[
                KeyValue(key=key, value=any_value(value if isinstance(value, int) else str(value)))
                for key, value in described.attributes.items()
            ]
        )
        self._scope = InstrumentationScope(name="rondpoint", version=__version__)
        self._sender = _sender(options)

    @property
    def dropped(self) -> int:
        """Spans that could not be told of; of a request that was not even kept, one."""
        return self._dropped + self._tracer.dropped

    def run(self) -> None:
        """Tell until `end` is called, and then of what is left."""
        while not self._ending.wait(INTERVAL):
            self._flush()
        self._flush()

    def end(self) -> None:
        """Tell of what there is, each batch once more at most."""
        self._ending.set()

    def _flush(self) -> None:
        while finished := self._tracer.take(BATCH):
            body, count = self._encode(finished)
            self._dropped += self._send(body, count)

    def _encode(self, finished: list[TracedRequest]) -> tuple[bytes, int]:
        yield_if_due = CooperativeYield()
        spans = ScopeSpans(scope=self._scope)
        for each in finished:
            spans.spans.extend(self._spans.make_spans(each))
            yield_if_due()
        told = ResourceSpans(resource=self._resource, scope_spans=[spans])
        data = ExportTraceServiceRequest(resource_spans=[told]).SerializeToString()
        # In a thread: it takes its time, and leaves the interpreter to others meanwhile.
        return get_hub().threadpool.apply(gzip.compress, (data, 1)), len(spans.spans)

    def _send(self, body: bytes, count: int) -> int:
        """How many of its spans no collector takes."""
        reason = ""
        for attempt in range(ATTEMPTS):
            delivery = self._sender.send(body)
            reason = delivery.error
            if not reason:
                self._failure_logged = False
                self._log_warning(delivery)
                return min(count, delivery.rejected)
            if not delivery.retryable:
                break
            if attempt == ATTEMPTS - 1 or self._ending.is_set():
                break
            self._ending.wait(2.0**attempt)
        if not self._failure_logged:
            log.error(
                "the collector at %s takes no traces, and they are lost: %s", self._sender.endpoint, reason
            )
        self._failure_logged = True
        return count

    def _log_warning(self, delivery: Delivery) -> None:
        """Log what a collector that took a batch has against it, once for each cause."""
        rejected, cause = bool(delivery.rejected), delivery.warning
        if not (rejected or cause) or (rejected, cause) in self._logged_warnings:
            return
        if len(self._logged_warnings) < MAX_WARNINGS:
            self._logged_warnings.add((rejected, cause))
            does = "rejects spans, and they are lost" if rejected else "takes all spans, and warns"
            log.warning(
                "the collector at %s %s: %s", self._sender.endpoint, does, cause or "it does not say why"
            )


def _sender(options: Tracing) -> Sender:
    grpc = options.otlp.grpc
    if grpc is None:
        return HttpSender(options.otlp.http)
    # What it needs is there for those who use it.
    from proxy.telemetry.tracing.grpc_sender import GrpcSender  # noqa: PLC0415

    return GrpcSender(grpc)
