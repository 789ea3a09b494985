"""gRPC health checks and checks of h2c servers: with gRPC's own server, and with servers that break rules."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import h2.config
import h2.connection
import h2.events
import pytest

from discovery.health.check_request import first_request
from discovery.health.grpc_check import call_fault
from discovery.health.prober import Prober
from rondpoint.model import HealthCheck, Server, ServersTransport
from rondpoint.servers_transports.contexts import ClientContexts
from tests.lab.certificate import write_certificate
from tests.lab.grpc_server import NOT_SERVING, SERVING, GrpcServer
from tests.lab.origin import Connection, Origin
from tests.lab.ports import free_port

GRPC = HealthCheck(mode="grpc")


def probe(
    port: int, check: HealthCheck = GRPC, scheme: str = "h2c", transport: ServersTransport | None = None
) -> str:
    """Return why a server on the loopback address fails the check."""
    server = Server("s", "127.0.0.1", port, scheme)  # type: ignore[arg-type]
    prober = ClientContexts(ServersTransport("default@internal"))
    return asyncio.run(Prober(prober).probe(first_request(server, check), check, transport))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("grpc") / "server.pem")


@pytest.fixture(scope="module")
def server() -> Iterator[GrpcServer]:
    with GrpcServer() as made:
        yield made


@pytest.fixture(scope="module")
def secure_server(certificate: Path) -> Iterator[GrpcServer]:
    with GrpcServer(certificate=certificate) as made:
        yield made


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (SERVING, ""),
        (NOT_SERVING, "its health status is NOT_SERVING"),
        (b"", "its health status is UNKNOWN"),
        (b"\x08\x07", "its health status is 7"),
        (b"\x12\x01\x01", "its response is no HealthCheckResponse"),
    ],
    ids=["serving", "not serving", "unknown", "a later status", "another message"],
)
@pytest.mark.parametrize("scheme", ["http", "h2c"])
def test_a_server_is_up_if_it_is_serving(server: GrpcServer, scheme: str, message: bytes, fault: str) -> None:
    server.health = message
    assert probe(server.port, scheme=scheme) == fault


def test_the_call_has_host_metadata_and_deadline(server: GrpcServer) -> None:
    server.health = SERVING
    check = HealthCheck(mode="grpc", hostname="app.test", headers={"X-Probe": "yes"}, timeout=7)
    assert probe(server.port, check) == ""
    metadata = server.metadata[-1]
    assert metadata["x-probe"] == ["yes"]
    fields = dict(first_request(Server("s", "a", 1, "h2c"), check).fields())
    assert fields[":authority"] == "app.test"
    assert fields["grpc-timeout"] == "7000m"


@pytest.mark.parametrize(
    ("refusal", "fault"),
    [
        ((grpc.StatusCode.UNAVAILABLE, "not yet: 50 %"), "gRPC status UNAVAILABLE: not yet: 50 %"),
        ((grpc.StatusCode.PERMISSION_DENIED, ""), "gRPC status PERMISSION_DENIED"),
    ],
    ids=["with a message", "without"],
)
def test_an_error_of_the_call_is_told(
    server: GrpcServer, refusal: tuple[grpc.StatusCode, str], fault: str
) -> None:
    server.refusal = refusal
    try:
        assert probe(server.port) == fault
    finally:
        server.refusal = None


def test_a_server_without_a_health_service_is_down() -> None:
    with GrpcServer(health=None) as silent:
        assert probe(silent.port) == "it does not implement gRPC's health checks"


def test_the_check_goes_over_tls_to_servers_with_tls(secure_server: GrpcServer, certificate: Path) -> None:
    trusting = ServersTransport("t@file", root_cas=(str(certificate),))
    assert probe(secure_server.port, scheme="https", transport=trusting) == ""
    check = HealthCheck(mode="grpc", scheme="https")
    assert probe(secure_server.port, check, transport=trusting) == ""
    assert "certificate is not accepted" in probe(secure_server.port, scheme="https")


def test_a_server_that_cannot_be_reached_or_hangs_is_down() -> None:
    assert probe(free_port()) == "connection refused"
    with Origin(lambda connection: connection.receive() and connection.receive()) as origin:
        assert probe(origin.port, HealthCheck(mode="grpc", timeout=0.3)) == "no response within 0.3 s"


SETTINGS = bytes(3) + b"\x04" + bytes(5)
REPLIES = {
    "HTTP/1.1": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "its response is HTTP/1.1, not HTTP/2"),
    "a frame on stream 0": (SETTINGS + bytes(9), "its response is not HTTP/2"),
    "nothing": (b"", "it closed the connection without a response"),
    "GOAWAY": (
        SETTINGS + b"\x00\x00\x08\x07\x00" + bytes(8) + b"\x00\x00\x00\x0b",
        "it ended the request with HTTP/2 error ENHANCE_YOUR_CALM",
    ),
    "RST_STREAM": (
        SETTINGS + b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07",
        "it ended the request with HTTP/2 error REFUSED_STREAM",
    ),
    "an unknown error": (
        SETTINGS + b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\xff\xff",
        "it ended the request with HTTP/2 error 65535",
    ),
}


@pytest.mark.parametrize("reply", REPLIES)
def test_a_server_that_does_not_speak_grpc_is_down(reply: str) -> None:
    data, fault = REPLIES[reply]

    def handler(connection: Connection) -> None:
        connection.receive()
        with suppress(OSError):
            connection.send(data)

    with Origin(handler) as origin:
        assert probe(origin.port) == fault


@pytest.mark.parametrize(
    ("fields", "content", "fault"),
    [
        ({":status": "404"}, b"", "its response is not gRPC: status 404"),
        ({":status": "200"}, b"", "its response is not gRPC: status 200"),
        ({"grpc-status": "0"}, b"", "its response has no message"),
        ({"grpc-status": "0"}, b"\1\0\0\0\2\x08\1", "its response has no message"),
        ({"grpc-status": "0"}, b"\0\0\0\0\2\x08", "its response has no message"),
    ],
    ids=["an HTTP error", "no status", "no message", "compressed", "cut"],
)
def test_a_response_that_is_not_grpc_is_a_fault(fields: dict[str, str], content: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        call_fault(fields, content)


def respond_over_http2(status: str, seen: list[dict[str, str]]) -> Origin:
    """Return a server over HTTP/2 that responds to each request with this status."""

    def handler(connection: Connection) -> None:
        server = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        server.initiate_connection()
        with suppress(OSError):
            while data := connection.receive():
                for event in server.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        seen.append({str(name): str(value) for name, value in event.headers})
                        fields = [(":status", status), ("location", "/other")]
                        server.send_headers(event.stream_id, fields, end_stream=status != "500")
                connection.send(server.data_to_send())

    return Origin(handler)


@pytest.mark.parametrize(
    ("status", "fault"),
    [("204", ""), ("500", "status 500"), ("302", "more than 10 redirections")],
    ids=["up", "down, from the head alone", "redirections"],
)
def test_servers_over_h2c_are_checked_by_http_too(status: str, fault: str) -> None:
    seen: list[dict[str, str]] = []
    check = HealthCheck("/up", method="HEAD", headers={"X-Probe": "yes", "Connection": "close"})
    with respond_over_http2(status, seen) as origin:
        assert probe(origin.port, check) == fault
    assert seen[0] == {
        ":method": "HEAD",
        ":scheme": "http",
        ":path": "/up",
        ":authority": f"127.0.0.1:{origin.port}",
        "x-probe": "yes",
        "user-agent": "rondpoint",
    }
    assert [each[":path"] for each in seen[1:]] == ["/other"] * (10 if status == "302" else 0)
