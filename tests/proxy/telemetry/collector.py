"""A trace collector for tests: OTLP over HTTP, and the base of the gRPC one."""

import gzip
import select
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.lab.background import Background
from tests.lab.waiting import until
from tests.proxy.running import Proxy


def value_of(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(each) for each in value.array_value.values]
    return getattr(value, kind)


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: value_of(each.value) for each in span.attributes}


class Collected:
    """The requests that a collector has received; `exports` counts them."""

    def __init__(self) -> None:
        self.exports = 0
        self.headers: list[dict[str, str]] = []
        self.resources: list[dict[str, Any]] = []
        self.spans: list[Span] = []

    def keep(self, request: ExportTraceServiceRequest) -> None:
        for exported in request.resource_spans:
            self.resources.append({each.key: value_of(each.value) for each in exported.resource.attributes})
            self.spans += [span for scope in exported.scope_spans for span in scope.spans]

    def spans_of(self, path: str) -> list[Span]:
        """Wait for the spans of the request for this path: the entry point's, then those of its children."""

        def found() -> list[Span]:
            return [span for span in list(self.spans) if attributes(span).get("url.path") == path]

        (server,) = until(found, f"a span for {path}")
        return [server, *(span for span in self.spans if span.parent_span_id == server.span_id)]

    def quiet(self, proxy: Proxy, host: str) -> int:
        """Make one more request, wait for its spans, and return the number of exports so far."""
        proxy.get(host, path := f"/quiet{self.exports}")
        self.spans_of(path)
        return self.exports

    def within(self, span: Span) -> list[Span]:
        """Return all spans of this span's trace."""
        return [each for each in list(self.spans) if each.trace_id == span.trace_id]


class Collector(Collected, Background):
    """A collector over HTTP; keeps `paths` and `headers` of requests as well.

    It responds with the statuses in `refusals` first, then accepts everything. Accepted requests get the
    contents in `answers`, one after the other, and then empty responses. It waits `pause` seconds before each
    response, and drops requests whose client has left by then.
    """

    def __init__(self, *refusals: int) -> None:
        Collected.__init__(self)
        Background.__init__(self, "collector")
        self.refusals = list(refusals)
        self.responses: list[bytes] = []
        self.pause = 0.0
        self.paths: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.refusals.pop(0) if collector.refusals else 200
                collector.exports += 1
                if collector.pause and select.select([self.connection], [], [], collector.pause)[0]:
                    self.close_connection = True
                    return
                content = b""
                if status == 200:
                    content = collector.responses.pop(0) if collector.responses else b""
                    collector.take(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def run(self) -> None:
        self._server.serve_forever()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.paths.append(path)
        self.headers.append(headers)
        self.keep(ExportTraceServiceRequest.FromString(gzip.decompress(body)))
