"""The health checks on real sockets."""

import asyncio
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from discovery.health.check_loop import CheckLoop
from discovery.health.check_request import CheckRequest
from discovery.health.connection_faults import UndecidedError
from discovery.health.prober import Prober
from discovery.health.server_states import NOT_PROBED_YET
from rondpoint.configuration import Configuration
from rondpoint.model import HealthCheck, Server, ServerState, ServersTransport, Service
from rondpoint.servers_transports.contexts import ClientContexts
from rondpoint.store.state import State
from tests.lab.certificate import write_certificate
from tests.lab.origin import Connection, Handler, Origin, http_response
from tests.lab.ports import free_port
from tests.lab.waiting import until
from tests.proxy.wire.test_tls_servers import secured

NAME = "s@file"
DEFAULT = ServersTransport("default@internal")


class Checking:
    def __init__(self, default: ServersTransport = DEFAULT) -> None:
        self.changes = 0
        self.stop = threading.Event()
        self.checks = CheckLoop(self._changed, default)
        self.thread = threading.Thread(target=self.checks.run, args=(self.stop,))

    def _changed(self) -> None:
        self.changes += 1

    def follow(self, *servers: Server, check: HealthCheck | None) -> None:
        service = Service(NAME, servers, health_check=check)
        self.checks.follow(Configuration(services={NAME: service}))

    def fault(self, server: Server) -> str:
        return self.checks.faults.get((NAME, server.url), "")

    def until_fault(self, server: Server, words: str) -> None:
        until(lambda: words in self.fault(server) and self.fault(server), f"{words!r} of {server.url}")

    def until_up(self, server: Server) -> None:
        until(lambda: not self.fault(server), f"{server.url} to be well")


@contextmanager
def running() -> Iterator[Checking]:
    made = Checking()
    made.thread.start()
    try:
        yield made
    finally:
        made.stop.set()
        made.thread.join(60)
        assert not made.thread.is_alive(), "the checks did not stop"


@pytest.fixture
def checking() -> Iterator[Checking]:
    with running() as made:
        yield made


def server_at(origin: Origin | int, host: str = "127.0.0.1", scheme: str = "http") -> Server:
    port = origin if isinstance(origin, int) else origin.port
    return Server("a", host, port, scheme)  # type: ignore[arg-type]


def frequent_check(**options: object) -> HealthCheck:
    return HealthCheck(**({"path": "/up", "interval": 0.05} | options))  # type: ignore[arg-type]


class SwitchableServer:
    """A handler that responds with the status that it is set to."""

    def __init__(self, status: str = "200 OK") -> None:
        self.status = status

    def __call__(self, connection: Connection) -> None:
        while connection.read():
            connection.send(http_response(b"x", self.status))


def test_a_server_is_probed_with_the_options_and_goes_down_and_up(checking: Checking) -> None:
    switchable = SwitchableServer()
    check = frequent_check(method="HEAD", hostname="app.test", headers={"X-Probe": "yes"})
    with Origin(switchable) as origin:
        server = server_at(origin)
        checking.follow(server, check=check)
        first, *_ = origin.wait_for_requests(3)
        assert (first.method, first.target) == ("HEAD", "/up")
        assert (first.header("Host"), first.header("X-Probe")) == ("app.test", "yes")
        assert not checking.checks.faults
        assert checking.changes == 0, "nothing is published while nothing changes"
        switchable.status = "500 Internal Server Error"
        checking.until_fault(server, "status 500")
        until(lambda: checking.changes == 1, "the change to be reported")
        switchable.status = "200 OK"
        checking.until_up(server)
        until(lambda: checking.changes == 2, "the recovery to be reported")


def test_a_server_is_up_until_it_has_been_probed(checking: Checking) -> None:
    held = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        held.wait(120)
        connection.send(http_response(b"", "503 Service Unavailable"))

    with Origin(handler) as origin:
        server = server_at(origin)
        checking.follow(server, check=frequent_check(timeout=100))
        origin.wait_for_requests(1)
        assert checking.fault(server) == ""
        held.set()
        checking.until_fault(server, "status 503")


@pytest.mark.parametrize(
    ("status", "wanted", "fault"),
    [
        ("200 OK", 0, ""),
        ("399 Odd", 0, ""),
        ("400 Bad Request", 0, "status 400"),
        ("204 No Content", 204, ""),
        ("200 OK", 204, "status 200 instead of 204"),
        ("503 Service Unavailable", 503, ""),
    ],
)
def test_which_statuses_pass(checking: Checking, status: str, wanted: int, fault: str) -> None:
    with Origin(SwitchableServer(status)) as origin:
        checking.follow(server_at(origin), check=frequent_check(status=wanted))
        origin.wait_for_requests(3)
        if fault:
            checking.until_fault(server_at(origin), fault)
        assert checking.fault(server_at(origin)) == fault


def silent(connection: Connection) -> None:
    connection.read()
    connection.receive()


def resetting(connection: Connection) -> None:
    connection.read()
    connection.reset()


def leaving(connection: Connection) -> None:
    connection.read()


def babbling(connection: Connection) -> None:
    connection.read()
    connection.send(b"SSH-2.0-OpenSSH\r\n")


def endless(connection: Connection) -> None:
    connection.read()
    connection.send(b"HTTP/1.1 302 Found\r\n")
    while True:
        connection.send(b"X: " + b"y" * 60_000 + b"\r\n")


def without_line_end(connection: Connection) -> None:
    connection.read()
    connection.send(b"HTTP/1.1 200 " + b"y" * 200_000)


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (silent, "no response within 0.3 s"),
        (resetting, "connection reset by peer"),
        (leaving, "without a response"),
        (babbling, "is not HTTP/1.1"),
        (endless, "longer than 65536 bytes"),
        (without_line_end, "longer than 65536 bytes"),
    ],
)
def test_the_fault_is_described(checking: Checking, handler: Handler, words: str) -> None:
    with Origin(handler) as origin:
        checking.follow(server_at(origin), check=frequent_check(timeout=0.3))
        checking.until_fault(server_at(origin), words)


def test_a_refused_connection_and_a_name_that_does_not_exist(checking: Checking) -> None:
    closed, nameless = server_at(free_port()), server_at(80, "nowhere.invalid")
    checking.follow(closed, nameless, check=frequent_check())
    checking.until_fault(closed, "connection refused")
    checking.until_fault(nameless, "cannot be resolved")


def test_names_and_other_ports_are_probed(checking: Checking) -> None:
    with Origin.named("x") as origin:
        server = server_at(free_port(), "localhost")
        checking.follow(server, check=frequent_check(port=origin.port))
        request, *_ = origin.wait_for_requests(2)
        assert request.header("Host") == f"localhost:{origin.port}"
        assert checking.fault(server) == ""


def test_interim_responses_are_skipped(checking: Checking) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + http_response(b"", "500 Oh"))

    with Origin(handler) as origin:
        checking.follow(server_at(origin), check=frequent_check())
        checking.until_fault(server_at(origin), "status 500")


def redirecting(connection: Connection) -> None:
    while request := connection.read():
        if request.target == "/well":
            connection.send(http_response(b""))
        elif request.target == "/round":
            connection.send(http_response(b"", "302 Found", ("Location: /round",)))
        else:
            connection.send(
                http_response(b"", "302 Found", (f"location: {request.target.removeprefix('/to')}",))
            )


@pytest.mark.parametrize(
    ("path", "follow", "fault"),
    [
        ("/to/well", True, ""),
        ("/to/to/to/well", True, ""),
        ("/round", True, "more than 10 redirections"),
        ("/round", False, ""),
        ("/toftp://h/", True, "redirects to 'ftp://h/'"),
    ],
)
def test_redirects_are_followed_unless_the_option_is_off(
    checking: Checking, path: str, follow: bool, fault: str
) -> None:
    with Origin(redirecting) as origin:
        checking.follow(server_at(origin), check=frequent_check(path=path, follow_redirects=follow))
        if fault:
            checking.until_fault(server_at(origin), fault)
            return
        origin.wait_for_requests(8)
        assert checking.fault(server_at(origin)) == ""
        assert ("/well" in {request.target for request in origin.requests}) is follow


def test_servers_are_probed_over_tls_and_their_certificate_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = write_certificate(tmp_path / "origin.pem")

    def handler(connection: Connection) -> None:
        secured(connection, certificate)
        connection.read()
        connection.send(http_response(b"", "204 No Content"))

    with Origin(handler) as origin:
        server = server_at(origin, scheme="https")
        with running() as doubting:
            doubting.follow(server, check=frequent_check())
            doubting.until_fault(server, "its certificate is not accepted: self")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with running() as trusting:
            trusting.follow(server_at(origin), check=frequent_check(scheme="https", status=204))
            origin.wait_for_requests(2)
            assert trusting.fault(server_at(origin)) == ""


URI = "spiffe://prod/web"
TRANSPORTS: dict[str, tuple[dict[str, object], str]] = {
    "the right authority": ({"root_cas": ("{file}",)}, ""),
    "another name": (
        {"root_cas": ("{file}",), "server_name": "other.internal"},
        "its certificate is not accepted: Hostname mismatch",
    ),
    "no checks": ({"insecure_skip_verify": True}, ""),
    "the right URI": ({"root_cas": ("{file}",), "peer_cert_uri": URI}, ""),
    "another URI": ({"root_cas": ("{file}",), "peer_cert_uri": "x:y"}, "its certificate lacks the URI x:y"),
    "a missing file": (
        {"root_cas": ("/nowhere",)},
        "serversTransport t@file: its root CA /nowhere cannot be",
    ),
}
"""Options of a transport, and the beginning of the fault."""


@pytest.mark.parametrize("as_default", [False, True])
@pytest.mark.parametrize("case", TRANSPORTS)
def test_servers_are_probed_under_the_transport_of_their_service(
    tmp_path: Path, case: str, as_default: bool
) -> None:
    certificate = write_certificate(tmp_path / "origin.pem", "IP:127.0.0.1", f"URI:{URI}")
    options, fault = TRANSPORTS[case]
    if "{file}" in str(options):
        options = options | {"root_cas": (str(certificate),)}
    transport = ServersTransport("t@file", **options)  # type: ignore[arg-type]

    async def ask() -> str:
        prober = Prober(ClientContexts(transport if as_default else DEFAULT))
        request = CheckRequest(f"https://127.0.0.1:{origin.port}/")
        return await prober.probe(request, frequent_check(), None if as_default else transport)

    def handler(connection: Connection) -> None:
        with suppress(OSError):
            secured(connection, certificate)
            connection.read()
            connection.send(http_response(b""))

    with Origin(handler) as origin:
        found = asyncio.run(ask())
        assert found.startswith(fault)
        assert bool(found) == bool(fault)
        assert len(origin.requests) == (not fault)


def test_a_change_of_the_transport_restarts_the_check(tmp_path: Path, checking: Checking) -> None:
    certificate = write_certificate(tmp_path / "origin.pem")

    def handler(connection: Connection) -> None:
        with suppress(OSError):
            secured(connection, certificate)
            connection.read()
            connection.send(http_response(b""))

    with Origin(handler) as origin:
        server = server_at(origin, scheme="https")
        service = Service(NAME, (server,), health_check=frequent_check())
        for authority, faulty in (("/nowhere", True), (str(certificate), False)):
            transport = ServersTransport("t@file", root_cas=(authority,))
            changed = replace(service, transport=transport)
            checking.checks.follow(Configuration(services={NAME: changed}))
            if faulty:
                checking.until_fault(server, "/nowhere cannot be used")
            else:
                checking.until_up(server)


def test_plain_http_instead_of_tls_is_a_fault(checking: Checking) -> None:
    def plain(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with Origin(plain) as origin:
        server = server_at(origin, scheme="https")
        checking.follow(server, check=frequent_check())
        checking.until_fault(server, "TLS failed")


def test_a_draining_server_is_no_longer_probed_and_its_fault_forgotten(checking: Checking) -> None:
    with Origin(SwitchableServer("500 Oh")) as origin:
        server = server_at(origin)
        checking.follow(server, check=frequent_check())
        checking.until_fault(server, "500")
        leaving = Server("a", "127.0.0.1", origin.port, state=ServerState.DRAINING)
        checking.follow(leaving, check=frequent_check())
        assert not checking.checks.faults, "forgotten at once, so that it comes back as one that is up"
        until(lambda: unchanged(origin), "the checks to cease")
        checking.follow(server, check=None)
        until(lambda: unchanged(origin), "no checks without a health check")
        checking.follow(server, check=frequent_check())
        checking.until_fault(server, "500")


def unchanged(origin: Origin) -> int:
    before = len(origin.requests)
    time.sleep(0.3)
    return before if len(origin.requests) == before else 0


def test_new_options_are_probed_at_once_and_the_known_fault_stays_until_then(checking: Checking) -> None:
    held = threading.Event()

    def handler(connection: Connection) -> None:
        while request := connection.read():
            if request.target == "/other":
                held.wait(120)
                connection.send(http_response(b"x"))
            else:
                connection.send(http_response(b"x", "500 Oh"))

    with Origin(handler) as origin:
        server = server_at(origin)
        checking.follow(server, check=frequent_check(interval=1000))
        checking.until_fault(server, "500")
        checking.follow(server, check=frequent_check(path="/other", interval=1000, timeout=100))
        until(lambda: origin.requests[-1].target == "/other", "the other request")
        assert checking.fault(server)
        held.set()
        checking.until_up(server)


def test_an_unhealthy_server_has_its_own_interval(checking: Checking) -> None:
    switchable = SwitchableServer()
    with Origin(switchable) as origin:
        server = server_at(origin)
        checking.follow(server, check=frequent_check(interval=2, unhealthy_interval=0.01))
        origin.wait_for_requests(2)
        switchable.status = "500 Oh"
        checking.until_fault(server, "500")
        began, seen = time.monotonic(), len(origin.requests)
        origin.wait_for_requests(seen + 10)
        assert time.monotonic() - began < 10, "ten at the longer interval would take twenty seconds"


def test_a_starting_server_is_up_soon_whatever_the_interval(checking: Checking) -> None:
    switchable = SwitchableServer("503 Starting")
    with Origin(switchable) as origin:
        server = server_at(origin)
        checking.follow(server, check=frequent_check(interval=1000))
        checking.until_fault(server, "503")
        switchable.status = "200 OK"
        checking.until_up(server)


def test_a_stored_fault_stays_until_the_first_response(checking: Checking) -> None:
    held = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        held.wait(120)
        connection.send(http_response(b""))

    with Origin(handler) as origin:
        server = server_at(origin)
        down = Server("a", "127.0.0.1", origin.port, state=ServerState.DOWN)
        stored = Service(NAME, (down,), health_check=frequent_check())
        checking.checks.restore(State(1, {}, {NAME: stored}, {}))
        checking.follow(server, check=frequent_check(timeout=100))
        origin.wait_for_requests(1)
        assert checking.fault(server) == NOT_PROBED_YET
        held.set()
        checking.until_up(server)


def test_without_file_descriptors_the_check_is_undecided() -> None:
    async def ask() -> str:
        prober = Prober(ClientContexts(DEFAULT))
        taken = []
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
            with suppress(OSError):
                while True:
                    taken.append(socket.socket())
            return await prober.probe(CheckRequest("http://127.0.0.1:80/"), frequent_check())
        finally:
            for each in taken:
                each.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(UndecidedError, match="Too many open files"):
        asyncio.run(ask())


def test_stopping_does_not_wait_for_servers_that_hang() -> None:
    with Origin(silent) as origin, running() as checking:
        checking.follow(server_at(origin), server_at(80, "nowhere.invalid"), check=frequent_check(timeout=60))
        origin.wait_for_requests(1)
        began = time.monotonic()
        checking.stop.set()
        checking.thread.join(60)
        assert time.monotonic() - began < 30


class Crowd:
    """Thousands of servers on one port of the loopback network, each with its own address."""

    def __init__(self, count: int) -> None:
        self.addresses = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count)]
        self.seen: dict[str, list[float]] = {address: [] for address in self.addresses}
        self.sick: set[str] = set()
        self.hanging: set[str] = set()
        self._listener = socket.socket()
        self._listener.bind(("0.0.0.0", 0))
        self._listener.listen(4096)
        self.port: int = self._listener.getsockname()[1]
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            address = connection.getsockname()[0]
            self.seen[address].append(time.monotonic())
            if address in self.hanging:
                self._held.append(connection)
                continue
            connection.recv(4096)
            connection.sendall(http_response(b"", "500 Oh" if address in self.sick else "200 OK"))
            connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._held:
            each.close()


@pytest.fixture
def crowd() -> Iterator[Callable[[int], Crowd]]:
    made: list[Crowd] = []

    def make(count: int) -> Crowd:
        made.append(Crowd(count))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_two_thousand_servers_are_probed_in_one_thread_and_hanging_ones_delay_no_others(
    checking: Checking, crowd: Callable[[int], Crowd]
) -> None:
    servers = crowd(2000)
    servers.sick = set(servers.addresses[:20])
    servers.hanging = set(servers.addresses[20:220])
    threads = set(threading.enumerate())
    checking.follow(
        *(Server(f"s{number}", address, servers.port) for number, address in enumerate(servers.addresses)),
        check=frequent_check(interval=5, timeout=10),
    )
    until(lambda: all(servers.seen.values()), "a first probe of each")
    assert set(threading.enumerate()) <= threads
    until(lambda: len(checking.checks.faults) == 220, "all faults")
    rest = servers.addresses[220:]
    until(lambda: all(len(servers.seen[each]) > 2 for each in rest), "a third probe of the rest", timeout=120)
    intervals = sorted(servers.seen[each][2] - servers.seen[each][1] for each in rest)
    # If servers were probed one by one, or a few hundred at once, the hanging ones would delay the others.
    assert intervals[len(intervals) // 2] < 15, "probes keep their interval"
    assert len(checking.checks.faults) == 220
