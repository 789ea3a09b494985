"""Exports the spans of completed requests to a collector once a second; the data path never waits for it."""

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
from opentelemetry.sdk.resources import Resource as SdkResource

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
"""Requests exported at once."""

ATTEMPTS = 4
"""Attempts to send a batch, with pauses of 1, 2 and 4 seconds between them."""

MAX_WARNINGS = 20
"""Different warnings logged: a collector that names spans in its warnings makes new ones all the time."""


class Exporter:
    """Makes spans of the tracer's requests and sends them; `dropped` counts spans that were lost."""

    def __init__(self, options: Tracing, tracer: Tracer) -> None:
        self._tracer = tracer
        self._spans = Spans(options)
        self._dropped = 0
        self._failure_logged = False
        self._logged_warnings: set[tuple[bool, str]] = set()
        self._ending = Event()
        resource = SdkResource.create(
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
                for key, value in resource.attributes.items()
            ]
        )
        self._scope = InstrumentationScope(name="rondpoint", version=__version__)
        self._sender = _sender(options)

    @property
    def dropped(self) -> int:
        """Spans lost; a request that the tracer had to drop counts as one."""
        return self._dropped + self._tracer.dropped

    def run(self) -> None:
        """Export until `end` is called, then export what is left."""
        while not self._ending.wait(INTERVAL):
            self._flush()
        self._flush()

    def end(self) -> None:
        """Make `run` export the rest and return; it does not repeat failed batches any more."""
        self._ending.set()

    def _flush(self) -> None:
        while completed := self._tracer.take(BATCH):
            body, count = self._encode(completed)
            self._dropped += self._send(body, count)

    def _encode(self, completed: list[TracedRequest]) -> tuple[bytes, int]:
        """Return the compressed export request and its number of spans."""
        yield_if_due = CooperativeYield()
        spans = ScopeSpans(scope=self._scope)
        for request in completed:
            spans.spans.extend(self._spans.make_spans(request))
            yield_if_due()
        exported = ResourceSpans(resource=self._resource, scope_spans=[spans])
        data = ExportTraceServiceRequest(resource_spans=[exported]).SerializeToString()
        # In a thread: compression takes long and releases the interpreter lock meanwhile.
        return get_hub().threadpool.apply(gzip.compress, (data, 1)), len(spans.spans)

    def _send(self, body: bytes, count: int) -> int:
        """Send a batch, repeatedly if needed; return how many of its spans were lost."""
        error = ""
        for attempt in range(ATTEMPTS):
            delivery = self._sender.send(body)
            error = delivery.error
            if not error:
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
                "the collector at %s does not accept traces, they are lost: %s", self._sender.endpoint, error
            )
        self._failure_logged = True
        return count

    def _log_warning(self, delivery: Delivery) -> None:
        """Log rejected spans or a warning of the collector, once for each different text."""
        rejected, cause = bool(delivery.rejected), delivery.warning
        if not (rejected or cause) or (rejected, cause) in self._logged_warnings:
            return
        if len(self._logged_warnings) < MAX_WARNINGS:
            self._logged_warnings.add((rejected, cause))
            result = "rejects spans, they are lost" if rejected else "accepts all spans, but warns"
            log.warning(
                "the collector at %s %s: %s", self._sender.endpoint, result, cause or "it gives no reason"
            )


def _sender(options: Tracing) -> Sender:
    grpc = options.otlp.grpc
    if grpc is None:
        return HttpSender(options.otlp.http)
    # Import h2 only if gRPC is used: it comes with the extra `otel`.
    from proxy.telemetry.tracing.grpc_sender import GrpcSender  # noqa: PLC0415

    return GrpcSender(grpc)
