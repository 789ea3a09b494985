"""An entry point without TLS settings takes both: routers with `tls` get the requests over TLS."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from rondpoint.model import Router
from tests.lab import http
from tests.lab.origin import Start
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Answer, Client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REQUEST = "GET / HTTP/1.1\r\nHost: {}\r\n\r\n"


@pytest.fixture(scope="module")
def own(directory: Path) -> Iterator[tuple[Proxy, dict[str, int]]]:
    """A proxy, and the ports of its entry points: some redirect, keep paths, trust peers, or wait longer."""
    ports = {name: free_port() for name in ("redirecting", "kept", "proxied", "patient")}
    path = directory / "one_port"
    path.mkdir()
    flags = [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in ports.items()]
    flags += [
        "--entryPoints.redirecting.http.redirections.entryPoint.to=:443",
        "--entryPoints.kept.http.sanitizePath=false",
        "--entryPoints.proxied.proxyProtocol.trustedIPs=127.0.0.1",
        "--entryPoints.web.transport.respondingTimeouts.readTimeout=1s",
        "--entryPoints.patient.transport.respondingTimeouts.readTimeout=4s",
        "--metrics.prometheus.entryPoint=web",
        f"--accessLog.filePath={path}/access.log",
        "--accessLog.format=json",
    ]
    with Store(path) as store, running_proxy(path, store, *flags) as proxy:
        yield proxy, {"web": proxy.web, **ports}


@pytest.fixture
def proxy(own: tuple[Proxy, dict[str, int]]) -> Iterator[Proxy]:
    yield from watched(own[0])


@pytest.fixture
def ports(own: tuple[Proxy, dict[str, int]]) -> dict[str, int]:
    return own[1]


def secured(port: int, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, before: bytes = b"") -> Client:
    """Return a client after its handshake; `before` precedes that."""
    client = Client(port)
    client.send(before)
    client.socket = client_context(version).wrap_socket(client.socket, server_hostname="a.test")
    return client


def over_tls(port: int, host: str, path: str = "/") -> Answer:
    with secured(port) as client:
        client.send(REQUEST.replace("/ ", f"{path} ", 1).format(host).encode())
        return client.answer()


def pair(proxy: Proxy, origin: Start) -> tuple[str, str]:
    """Serve an origin under two hosts: by a router without `tls`, and by one with it."""
    seen = origin(OK)
    return proxy.route(seen), proxy.route(seen, tls=True)


def test_each_protocol_has_its_routers(proxy: Proxy, ports: dict[str, int], origin: Start) -> None:
    plain, secure = pair(proxy, origin)
    for name in ("web", "kept"):
        assert [http.request(ports[name], host).status for host in (plain, secure)] == [200, 404]
        assert [over_tls(ports[name], host).status for host in (plain, secure)] == [404, 200]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_connection_takes_several_requests(proxy: Proxy, origin: Start, version: ssl.TLSVersion) -> None:
    seen = origin(OK)
    host = proxy.route(seen, tls=True)
    with secured(proxy.web, version) as client:
        for _ in range(3):
            client.send(REQUEST.format(host).encode())
            assert client.answer().body == b"ok"
    request = seen.requests[-1]
    assert (request.header("X-Forwarded-Proto"), request.header("X-Forwarded-Port")) == ("https", "443")


def test_without_routers_with_tls_a_client_is_told_so(proxy: Proxy, origin: Start) -> None:
    proxy.withdraw()
    proxy.route(origin(OK))
    with Client(proxy.web) as client:
        client.send(b"\x16\x03\x01\0\5hello")
        answer = client.answer()
    assert answer.status == 400
    assert b"this entry point does not speak TLS" in answer.body


def test_a_handshake_after_a_request_is_malformed(proxy: Proxy, origin: Start) -> None:
    plain, _ = pair(proxy, origin)
    with Client(proxy.web) as client:
        client.send(REQUEST.format(plain).encode())
        assert client.answer().status == 200
        client.send(b"\x16\x03\x01\0\5hello")
        assert client.answer().status == 400


def answer_over_tls(sock: socket.socket, host: str, send_hello: Callable[[bytes], None]) -> bytes:
    """Return the response to a request, after a handshake whose ClientHello `send_hello` sends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(ssl.TLSVersion.TLSv1_3).wrap_bio(incoming, outgoing, server_hostname="a.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    send_hello(outgoing.read())
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            incoming.write(_some(sock))
    tls.write(REQUEST.format(host).encode())
    sock.sendall(outgoing.read())
    found = b""
    while b"ok" not in found:
        incoming.write(_some(sock))
        while incoming.pending:
            try:
                found += tls.read()
            except ssl.SSLWantReadError:
                break
    return found


def _some(sock: socket.socket) -> bytes:
    received = sock.recv(65536)
    assert received, "the proxy has closed the connection"
    return received


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_hello_may_arrive_in_pieces(proxy: Proxy, origin: Start, size: int) -> None:
    _, secure = pair(proxy, origin)
    with socket.create_connection(("127.0.0.1", proxy.web), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send_in_pieces(hello: bytes) -> None:
            for start in range(0, len(hello), size):
                sock.sendall(hello[start : start + size])

        assert answer_over_tls(sock, secure, send_in_pieces).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_begins_late_has_the_whole_time_for_its_handshake(
    proxy: Proxy, ports: dict[str, int], origin: Start
) -> None:
    _, secure = pair(proxy, origin)

    def see_a_time_out(port: int) -> None:
        with Client(port) as broken:
            broken.send(b"\x16")
            assert broken.ended()

    with socket.create_connection(("127.0.0.1", ports["patient"]), timeout=10) as sock:

        def send_slowly(hello: bytes) -> None:
            sock.sendall(hello[:10])
            # It is shorter here, and connections whose time is over end together.
            see_a_time_out(proxy.web)
            sock.sendall(hello[10:])

        see_a_time_out(ports["patient"])
        assert answer_over_tls(sock, secure, send_slowly).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("hello", [b"\x16", b"\x16\x03\x01\0\5hello", b"\x16\x03\x01\r\n\r\n"])
def test_a_broken_handshake_ends_within_the_read_timeout(proxy: Proxy, origin: Start, hello: bytes) -> None:
    pair(proxy, origin)
    with Client(proxy.web) as client:
        client.send(hello)
        with suppress(ConnectionResetError):
            assert b"HTTP/" not in client.rest()
    assert "Traceback" not in proxy.process.log


def test_the_redirection_of_an_entry_point_is_for_plain_requests(
    proxy: Proxy, ports: dict[str, int], origin: Start
) -> None:
    plain, secure = pair(proxy, origin)
    port = ports["redirecting"]
    assert [http.request(port, host).status for host in (plain, secure)] == [301, 301]
    assert [over_tls(port, host).status for host in (plain, secure)] == [404, 200]


def test_internal_routes_are_for_plain_requests(proxy: Proxy, origin: Start) -> None:
    pair(proxy, origin)
    assert http.request(proxy.web, "a.test", "/metrics").status == 200
    assert over_tls(proxy.web, "a.test", "/metrics").status == 404


def test_tls_may_follow_a_proxy_header(proxy: Proxy, ports: dict[str, int], origin: Start) -> None:
    seen = origin(OK)
    host = proxy.route(seen, tls=True)
    header = b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 443\r\n"
    with secured(ports["proxied"], before=header) as client:
        client.send(REQUEST.format(host).encode())
        assert client.answer().status == 200
    assert seen.requests[-1].header("X-Forwarded-For") == "192.0.2.7"


def test_logs_metrics_and_api_know_the_protocol(proxy: Proxy, directory: Path, origin: Start) -> None:
    _, secure = pair(proxy, origin)
    assert over_tls(proxy.web, secure).status == 200

    def logged() -> dict[str, Any] | None:
        lines = (directory / "one_port" / "access.log").read_text().splitlines()
        return next((entry for line in lines if (entry := json.loads(line))["RequestHost"] == secure), None)

    entry = until(logged, "the log entry")
    assert (entry["entryPointName"], entry["TLSVersion"], entry["RequestScheme"]) == ("web", "1.3", "https")
    metrics = http.request(proxy.web, "a.test", "/metrics").text
    lines = [
        line for line in metrics.splitlines() if line.startswith("traefik_entrypoint_requests_tls_total")
    ]
    assert any('entrypoint="web"' in line and 'tls_version="1.3"' in line for line in lines)
    assert 'over TLS"' not in metrics
    name = secure.partition(".")[0]
    router = ask(proxy, f"/api/http/routers/{name}")
    assert router["status"] == "enabled"
    assert "web" in router["using"]


def test_explanations_know_the_protocol(proxy: Proxy, ports: dict[str, int], origin: Start) -> None:
    plain, secure = pair(proxy, origin)

    def explained(scheme: str, host: str, entry_point: str = "web") -> tuple[int, str]:
        found = ask(proxy, f"/api/explain?url={scheme}://{host}/&entryPoint={entry_point}")
        return found["status"], found["router"]

    router: dict[str, Router] = proxy.routers
    assert explained("http", plain)[1] in router
    assert explained("https", secure)[1] in router
    assert [explained("http", secure)[0], explained("https", plain)[0]] == [404, 404]
    assert explained("http", secure, "redirecting")[0] == 301
    assert explained("https", secure, "redirecting")[1] in router
    found = ask(proxy, f"/api/explain?url=http://{secure}:{ports['web']}/")
    assert "but not without TLS" in json.dumps(found)
    # None of the entry points listens on port 443, so a proxy in front of this one speaks TLS.
    assert ask(proxy, f"/api/explain?url=https://{plain}/")["router"] in router


def ask(proxy: Proxy, path: str) -> Any:
    response = http.request(proxy.admin, "localhost", path)
    assert response.status == 200, response
    return json.loads(response.body)
