"""The health checks of TCP services, on real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from discovery.health.check_loop import CheckLoop
from discovery.health.check_plan import plan_checks
from discovery.health.server_states import NOT_PROBED_YET, apply_faults, stored_faults, without_faults
from discovery.health.tcp_prober import TcpProber
from rondpoint.configuration import Configuration
from rondpoint.model import ClientCertificate, HealthCheck, Server, ServerState, ServersTransport, Service
from rondpoint.servers_transports.contexts import ClientContexts
from rondpoint.store.state import State
from rondpoint.tcp.model import TcpHealthCheck, TcpServer, TcpServersTransport, TcpService
from tests.lab.certificate import write_certificate
from tests.lab.origin import Connection, Origin
from tests.lab.ports import free_port
from tests.lab.waiting import until
from tests.proxy.wire.test_tls_servers import secured

NAME = "db@file"
CONTEXTS = ClientContexts(ServersTransport("default@internal", insecure_skip_verify=True))


def server_at(origin: Origin | int, *, host: str = "127.0.0.1", tls: bool = False) -> TcpServer:
    return TcpServer("a", host, origin if isinstance(origin, int) else origin.port, tls)


def probe(server: TcpServer, transport: TcpServersTransport | None = None, **options: object) -> str:
    check = TcpHealthCheck(**{"timeout": 20.0, **options})  # type: ignore[arg-type]
    return asyncio.run(TcpProber(CONTEXTS).probe(server, check, transport))


class Recorder:
    """A handler that records what it gets until a line end, and then responds."""

    def __init__(self, response: bytes = b"", certificate: Path | None = None, lines: int = 1) -> None:
        self.response = response
        self.received: list[bytes] = []
        self._certificate = certificate
        self._lines = lines

    def __call__(self, connection: Connection) -> None:
        if self._certificate is not None:
            secured(connection, self._certificate)
        found = b""
        while found.count(b"\n") < self._lines and (piece := connection.socket.recv(4096)):
            found += piece
        self.received.append(found)
        connection.socket.sendall(self.response)


def test_a_server_that_accepts_is_healthy() -> None:
    with Origin(Recorder()) as origin:
        assert probe(server_at(origin)) == ""
        assert probe(server_at(origin, host="localhost")) == ""
    assert probe(server_at(free_port())) == "connection refused"


def test_another_port_may_be_checked() -> None:
    with Origin(Recorder()) as origin:
        assert probe(server_at(free_port()), port=origin.port) == ""


def test_what_is_sent_and_expected_is_compared_from_the_begin() -> None:
    recorder = Recorder(b"+PONG 1\r\n")
    with Origin(recorder) as origin:
        assert probe(server_at(origin), send="PING é\r\n", expect="+PONG") == ""
        assert recorder.received == ["PING é\r\n".encode()]
        fault = probe(server_at(origin), send="PING\n", expect="-ERR")
        assert fault == "its response begins with b'+PON' instead of b'-ERR'"
        assert "instead of" in probe(server_at(origin), send="PING\n", expect="+PONG 1\r\n and more")


def test_a_response_in_pieces_is_put_together() -> None:
    def handler(connection: Connection) -> None:
        for piece in (b"2", b"2", b"0 ready\r\n"):
            connection.socket.sendall(piece)

    with Origin(handler) as origin:
        assert probe(server_at(origin), expect="220 ready") == ""


def test_a_server_that_closes_or_is_silent_is_unhealthy() -> None:
    with Origin(Recorder()) as origin:
        fault = probe(server_at(origin), send="PING\n", expect="+PONG")
        assert fault == "it closed the connection without a response"
    held = threading.Event()
    with Origin(lambda _: held.wait(60)) as origin:
        assert probe(server_at(origin), expect="x", timeout=0.1) == "no response within 0.1 s"
        held.set()


@pytest.mark.parametrize(
    ("version", "header"),
    [(1, b"PROXY UNKNOWN\r\n"), (2, b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00")],
)
def test_servers_that_expect_the_proxy_protocol_get_a_header_without_an_address(
    version: int, header: bytes
) -> None:
    recorder = Recorder(b"+", lines=header.count(b"\n") + 1)
    transport = TcpServersTransport("t@file", proxy_protocol=version)  # type: ignore[arg-type]
    with Origin(recorder) as origin:
        assert probe(server_at(origin), transport, send="PING\n", expect="+") == ""
    assert recorder.received == [header + b"PING\n"]


def test_tls_is_verified_by_the_transport_whatever_the_options_for_http_say(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "origin.pem")
    recorder = Recorder(b"+", certificate)
    trusting = TcpServersTransport("t@file", tls=ServersTransport("t@file", root_cas=(str(certificate),)))
    with Origin(recorder) as origin:
        server = server_at(origin, host="localhost", tls=True)
        assert "its certificate is not accepted" in probe(server, expect="+", send="a\n")
        assert probe(server, trusting, send="a\n", expect="+") == ""
        assert trusting.tls is not None
        misnamed = replace(trusting, tls=replace(trusting.tls, server_name="other.test"))
        assert "its certificate is not accepted" in probe(server, misnamed)
        uri = replace(trusting, tls=replace(trusting.tls, peer_cert_uri="spiffe://a"))
        assert probe(server, uri) == "its certificate lacks the URI spiffe://a"
        closed = replace(trusting, tls=replace(trusting.tls, root_cas=("/nowhere.pem",)))
        assert probe(server, closed).startswith("serversTransport t@file: ")


def test_a_client_certificate_is_shown_with_its_sealed_key_opened(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "origin.pem")
    text = certificate.read_text()
    opened: list[str] = []

    def open_key(sealed: str) -> str:
        opened.append(sealed)
        return text

    own = ClientCertificate(str(certificate), "sealed:v1:a:b")
    tls = ServersTransport("t@file", root_cas=(str(certificate),), certificate=own)
    prober = TcpProber(ClientContexts(ServersTransport("d"), open_key))
    with Origin(Recorder(b"+", certificate)) as origin:
        server = server_at(origin, host="localhost", tls=True)
        check = TcpHealthCheck(send="a\n", expect="+", timeout=20.0)
        assert asyncio.run(prober.probe(server, check, TcpServersTransport("t@file", tls=tls))) == ""
    assert opened == ["sealed:v1:a:b"]


def configuration(*servers: TcpServer, check: TcpHealthCheck | None) -> Configuration:
    return Configuration(tcp_services={NAME: TcpService(NAME, servers, check)})


@pytest.fixture
def follow() -> Iterator[tuple[CheckLoop, Callable[[Configuration], None]]]:
    checks, stop = CheckLoop(lambda: None, ServersTransport("default@internal")), threading.Event()
    thread = threading.Thread(target=checks.run, args=(stop,))
    thread.start()
    try:
        yield checks, checks.follow
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive(), "the checks did not stop"


def test_a_server_goes_down_and_up_again(
    follow: tuple[CheckLoop, Callable[[Configuration], None]],
) -> None:
    checks, start = follow
    port = free_port()
    check = TcpHealthCheck(interval=0.05)
    given = configuration(server_at(port), check=check)
    start(given)
    key = (NAME, f"tcp://127.0.0.1:{port}")
    until(lambda: checks.faults.get(key) == "connection refused", "the server to be down")
    down = apply_faults(given, checks.faults)
    assert down.tcp_services[NAME].servers[0].state is ServerState.DOWN
    (diagnostic,) = down.diagnostics
    assert diagnostic.subject == f"TCP service {NAME}"
    assert diagnostic.message == f"server tcp://127.0.0.1:{port} is down: connection refused"
    assert (
        diagnostic.hint == "it takes connections again once it passes its check: a connection, every 0.05 s"
    )
    with socket.create_server(("127.0.0.1", port)):
        until(lambda: not checks.faults, "the server to be up")
    assert apply_faults(given, checks.faults) is given


def test_only_servers_of_services_with_checks_are_checked_and_not_draining_ones() -> None:
    draining = TcpServer("b", "10.0.0.2", 1, state=ServerState.DRAINING)
    given = configuration(server_at(1), draining, check=TcpHealthCheck())
    assert list(plan_checks(given)) == [(NAME, "tcp://127.0.0.1:1")]
    assert plan_checks(configuration(server_at(1), check=None)) == {}


def test_services_of_both_protocols_may_have_one_name() -> None:
    http = Service(NAME, (Server("a", "127.0.0.1", 1),), health_check=HealthCheck())
    given = replace(configuration(server_at(1), check=TcpHealthCheck()), services={NAME: http})
    found = apply_faults(given, {(NAME, "tcp://127.0.0.1:1"): "refused"})
    assert found.services == given.services
    assert found.tcp_services[NAME].servers[0].state is ServerState.DOWN
    assert len(plan_checks(given)) == 2


def test_the_states_in_the_store_are_taken_over_and_do_not_stay_with_a_retained_service() -> None:
    down = TcpServer("a", "127.0.0.1", 1, state=ServerState.DOWN)
    service = TcpService(NAME, (down,), TcpHealthCheck())
    assert stored_faults(State(1, tcp_services={NAME: service})) == {
        (NAME, "tcp://127.0.0.1:1"): NOT_PROBED_YET
    }
    assert without_faults(service).servers[0].state is ServerState.UP
