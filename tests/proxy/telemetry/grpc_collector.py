"""A trace collector for tests: OTLP over gRPC, served by gRPC's own library."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from tests.lab.ports import free_port
from tests.proxy.telemetry.collector import Collected


class GrpcCollector(Collected, TraceServiceServicer):
    """A collector over gRPC; with a certificate, over TLS.

    It responds with the codes in `refusals` first, then accepts everything. Accepted requests get the
    responses in `answers`, one after the other, and then default ones. `options` are those of gRPC's server.
    """

    def __init__(
        self, *refusals: grpc.StatusCode, certificate: Path | None = None, options: tuple[Any, ...] = ()
    ) -> None:
        super().__init__()
        self.refusals = list(refusals)
        self.responses: list[ExportTraceServiceResponse] = []
        self.peers: set[str] = set()
        self._certificate = certificate
        self._options = options
        self.port = free_port()
        self._server: grpc.Server | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, at the same port each time."""
        self._server = server = grpc.server(ThreadPoolExecutor(4), options=self._options)
        add_TraceServiceServicer_to_server(self, server)
        address = f"127.0.0.1:{self.port}"
        if self._certificate is None:
            assert server.add_insecure_port(address) == self.port
        else:
            pem = self._certificate.read_bytes()
            credentials = grpc.ssl_server_credentials([(pem, pem)])
            assert server.add_secure_port(address, credentials) == self.port
        server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(grace=None).wait()

    def Export(  # noqa: N802 - the protocol calls it so
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        with self._lock:
            self.exports += 1
            self.peers.add(context.peer())
            if self.refusals:
                context.abort(self.refusals.pop(0), "not now, in 50 % of cases")
            self.headers.append({str(name): str(value) for name, value in context.invocation_metadata()})
            response = self.responses.pop(0) if self.responses else ExportTraceServiceResponse()
            self.keep(request)
        return response
