"""Connections to servers under the transport of their service: checks, certificates, timeouts, changes."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from rondpoint.model import ClientCertificate, Server, ServersTransport
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Connection, Handler, Origin, http_response
from tests.lab.store import Store
from tests.proxy.running import Proxy, lone_proxy, running_proxy, watched
from tests.proxy.wire.client import Client

URI = "spiffe://prod/web"


@dataclass(frozen=True)
class Files:
    """Certificates: of a server, of another server, of a client; keys are in the same files."""

    server: Path
    other: Path
    client: Path
    encrypted: Path


@pytest.fixture(scope="module")
def files(directory: Path) -> Files:
    own = directory / "transports"
    own.mkdir()
    server = write_certificate(own / "server.pem", "DNS:shop.internal", f"URI:{URI}", "IP:127.0.0.1")
    other = write_certificate(own / "other.pem", "DNS:other.internal")
    client = write_certificate(own / "client.pem", "DNS:client.internal")
    encrypted = own / "encrypted.key"
    command = f"openssl pkey -in {client} -aes256 -passout pass:x -out {encrypted}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return Files(server, other, client, encrypted)


@pytest.fixture(scope="module")
def started(directory: Path) -> Iterator[Proxy]:
    own = directory / "transports-proxy"
    own.mkdir()
    with ExitStack() as stack:
        store = stack.enter_context(Store(own))
        yield stack.enter_context(running_proxy(own, store))


@pytest.fixture
def served(started: Proxy) -> Iterator[Proxy]:
    yield from watched(started)


@dataclass
class Handshakes:
    """What servers saw: the names that clients sent as SNI, and the subjects of their certificates."""

    names: list[str | None]
    subjects: list[object]
    versions: list[str | None]


@pytest.fixture
def handshakes() -> Handshakes:
    return Handshakes([], [], [])


def secured(files: Files, seen: Handshakes, *, asks_client: bool = False) -> Handler:
    """Return a handler that speaks TLS; with `asks_client` it demands the client's certificate."""

    def handler(connection: Connection) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.server)
        context.sni_callback = lambda _socket, name, _context: seen.names.append(name)
        if asks_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(files.client)
        with suppress(OSError):
            secured = context.wrap_socket(connection.socket, server_side=True)
            connection.socket = secured
            seen.versions.append(secured.version())
            seen.subjects.append((secured.getpeercert() or {}).get("subjectAltName"))
            while connection.read():
                connection.send(http_response(b"served"))

    return handler


def route(proxy: Proxy, origin: Origin, transport: ServersTransport, *, host: str = "127.0.0.1") -> str:
    """Serve this origin over TLS under this transport."""
    name = proxy.route(origin)
    server = Server("s", host, origin.port, "https")
    proxy.tune(name, servers=(server,), servers_transport=transport.name, transport=transport)
    return name


def transport(**options: object) -> ServersTransport:
    return replace(ServersTransport("t@file"), **options)


CHECKS = {
    "the system's authorities do not know the server": (lambda f: {}, 502),
    "a trusted file": (lambda f: {"root_cas": (str(f.server),)}, 200),
    "a trusted text": (lambda f: {"root_cas": (certificate_text(f.server),)}, 200),
    "two files": (lambda f: {"root_cas": (str(f.other), str(f.server))}, 200),
    "another authority": (lambda f: {"root_cas": (str(f.other),)}, 502),
    "the right name": (lambda f: {"root_cas": (str(f.server),), "server_name": "shop.internal"}, 200),
    "another name": (lambda f: {"root_cas": (str(f.server),), "server_name": "other.internal"}, 502),
    "no checks": (lambda f: {"insecure_skip_verify": True, "server_name": "other.internal"}, 200),
    "the right URI": (lambda f: {"root_cas": (str(f.server),), "peer_cert_uri": URI}, 200),
    "another URI": (lambda f: {"root_cas": (str(f.server),), "peer_cert_uri": URI + "2"}, 502),
    "a URI without a trusted authority": (
        lambda f: {"insecure_skip_verify": True, "peer_cert_uri": URI},
        502,
    ),
    "a URI, another name, no check of the name": (
        lambda f: {
            "root_cas": (str(f.server),),
            "insecure_skip_verify": True,
            "peer_cert_uri": URI,
            "server_name": "other.internal",
        },
        200,
    ),
    "TLS 1.2 at most": (lambda f: {"root_cas": (str(f.server),), "max_version": "VersionTLS12"}, 200),
    "versions that exclude each other": (
        lambda f: {"min_version": "VersionTLS13", "max_version": "VersionTLS12"},
        503,
    ),
    "a file that is missing": (lambda f: {"root_cas": ("/nowhere/ca.pem",)}, 503),
    "a file that is missing, no checks": (
        lambda f: {"root_cas": ("/nowhere/ca.pem",), "insecure_skip_verify": True},
        503,
    ),
    "a file without a certificate": (lambda f: {"root_cas": (str(f.encrypted),)}, 503),
    "a client certificate without its key": (
        lambda f: {"certificate": ClientCertificate(str(f.client), "/nowhere/key.pem")},
        503,
    ),
    "another certificate's key": (
        lambda f: {"certificate": ClientCertificate(str(f.client), str(f.other))},
        503,
    ),
    "an encrypted key": (
        lambda f: {"certificate": ClientCertificate(str(f.client), str(f.encrypted))},
        503,
    ),
}
"""Options of a transport, and the status of a request."""


def certificate_text(path: Path) -> str:
    text = path.read_text()
    return text[text.index("-----BEGIN CERTIFICATE-----") :]


@pytest.mark.parametrize("case", CHECKS)
def test_a_server_is_checked_as_its_transport_says(
    served: Proxy, files: Files, handshakes: Handshakes, case: str
) -> None:
    options, status = CHECKS[case]
    with Origin(secured(files, handshakes)) as origin:
        assert served.status(route(served, origin, transport(**options(files)))) == status
        assert len(origin.requests) == (status == 200)
        if status == 503:
            assert origin.connections == 0


@pytest.mark.parametrize(
    ("host", "options", "expected"),
    [
        ("127.0.0.1", {}, None),
        ("localhost", {}, "localhost"),
        ("127.0.0.1", {"server_name": "shop.internal"}, "shop.internal"),
        ("localhost", {"server_name": "127.0.0.1"}, None),
    ],
)
def test_the_handshake_names_the_server_unless_that_is_an_address(
    served: Proxy,
    files: Files,
    handshakes: Handshakes,
    host: str,
    options: dict[str, str],
    expected: str | None,
) -> None:
    with Origin(secured(files, handshakes)) as origin:
        name = route(served, origin, transport(insecure_skip_verify=True, **options), host=host)
        assert served.get(name) == "served"
        assert handshakes.names == [expected]


def test_a_version_limit_holds(served: Proxy, files: Files, handshakes: Handshakes) -> None:
    with Origin(secured(files, handshakes)) as origin:
        limited = transport(insecure_skip_verify=True, max_version="VersionTLS12")
        assert served.get(route(served, origin, limited)) == "served"
        assert handshakes.versions == ["TLSv1.2"]


@pytest.mark.parametrize("as_text", [False, True])
def test_a_server_gets_the_client_certificate(
    served: Proxy, files: Files, handshakes: Handshakes, as_text: bool
) -> None:
    shown = certificate_text(files.client) if as_text else str(files.client)
    pair = ClientCertificate(shown, str(files.client))
    with Origin(secured(files, handshakes, asks_client=True)) as origin:
        trusting = transport(root_cas=(str(files.server),))
        assert served.status(route(served, origin, trusting)) == 502
        assert not origin.requests
        assert served.get(route(served, origin, replace(trusting, certificate=pair))) == "served"
        assert handshakes.subjects == [(("DNS", "client.internal"),)]


def test_no_connection_serves_another_transport(served: Proxy, files: Files, handshakes: Handshakes) -> None:
    with Origin(secured(files, handshakes)) as origin:
        lax = route(served, origin, transport(insecure_skip_verify=True))
        strict = route(served, origin, replace(transport(), name="strict@file"))
        same = route(served, origin, transport(insecure_skip_verify=True))
        assert served.get(lax) == "served"
        assert served.status(strict) == 502
        assert served.get(same) == "served"
        assert len(handshakes.subjects) == 1, "services with equal transports share a connection"


def test_a_change_applies_to_new_connections_and_drops_no_request(
    served: Proxy, files: Files, handshakes: Handshakes
) -> None:
    release = threading.Event()

    def handler(connection: Connection) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.server)
        with suppress(OSError):
            connection.socket = context.wrap_socket(connection.socket, server_side=True)
            while request := connection.read():
                if request.target == "/slow":
                    assert release.wait(60)
                connection.send(http_response(b"served"))

    with Origin(handler) as origin, Client(served.web) as client:
        name = route(served, origin, transport(insecure_skip_verify=True))
        client.send(f"GET /slow HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        origin.wait_for_requests(1)
        served.tune(name, transport=transport())
        assert served.status(name) == 502, "the new transport checks the certificate"
        release.set()
        assert client.answer().body == b"served"
        assert served.status(name) == 502, "the connection of the old transport is not used again"


def test_a_response_that_does_not_begin_in_time_gives_504(served: Proxy) -> None:
    held = threading.Event()

    def handler(connection: Connection) -> None:
        while request := connection.read():
            if request.target == "/hung":
                held.wait(60)
            connection.send(http_response(b"served"))

    with Origin(handler) as origin:
        name = served.route(origin)
        served.tune(name, servers_transport="t@file", transport=transport(response_header_timeout=0.5))
        began = time.monotonic()
        assert served.status(name, "/hung") == 504
        assert time.monotonic() - began < 10
        assert served.get(name) == "served"
        held.set()


@pytest.mark.parametrize(("limit", "connections"), [(0, 1), (-1, 3)])
def test_idle_connections_are_limited(served: Proxy, limit: int, connections: int) -> None:
    def handler(connection: Connection) -> None:
        while connection.read():
            connection.send(http_response(b"served"))

    with Origin(handler) as origin:
        name = served.route(origin)
        served.tune(name, servers_transport="t@file", transport=transport(max_idle_connections=limit))
        assert [served.get(name) for _ in range(3)] == ["served"] * 3
        assert origin.connections == connections


def test_a_server_that_stays_mute_in_the_handshake_is_given_up(served: Proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        name = served.route(port)
        served.tune(name, servers=(Server("s", "127.0.0.1", port, "https"),))
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", served.web), timeout=60) as client:
            client.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            assert client.recv(65536).startswith(b"HTTP/1.1 504 ")
        assert 9 < time.monotonic() - began < 40


def test_a_closed_service_names_its_fault_in_the_log_and_the_api(served: Proxy, files: Files) -> None:
    with Origin(secured(files, Handshakes([], [], []))) as origin:
        name = route(served, origin, transport(root_cas=("/nowhere/ca.pem",)))
        assert served.status(name) == 503
        fault = "its serversTransport t@file: its root CA /nowhere/ca.pem cannot be used: No such file"
        assert fault in served.process.log
        service = name.removesuffix(".test")
        for path in (f"/api/http/services/{service}", f"/api/explain?url=http://{name}/", "/api/diagnostics"):
            assert fault in http.request(served.admin, "localhost", path).text, path
        served.tune(name, transport=transport(root_cas=(str(files.server),)))
        assert served.get(name) == "served"
        assert fault not in http.request(served.admin, "localhost", "/api/diagnostics").text


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ([], 502),
        (["--serversTransport.insecureSkipVerify"], 200),
        (["--serversTransport.rootCAs={server}"], 200),
        (["--serversTransport.rootCAs={other},{server}"], 200),
        (["--serversTransport.rootCAs={other}"], 502),
        (["--serversTransport.rootCAs=/nowhere/ca.pem"], 503),
        (["--rootCAs={server}"], 200),
    ],
)
def test_the_settings_are_the_default_transport(
    directory: Path, files: Files, handshakes: Handshakes, flags: list[str], status: int
) -> None:
    named = [flag.format(server=files.server, other=files.other) for flag in flags]
    with lone_proxy(*named) as proxy, Origin(secured(files, handshakes)) as origin:
        name = proxy.route(origin)
        proxy.tune(name, servers=(Server("s", "127.0.0.1", origin.port, "https"),))
        assert proxy.status(name) == status
        own = transport(root_cas=(str(files.other),))
        proxy.tune(name, transport=own)
        assert proxy.status(name) == 502, "a transport inherits nothing from the settings"
