"""The proxy answers ACME challenges that the agent, here the test, has written to the store."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.sealing import Sealer
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Start
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.tls.client_hellos import alpn, hello_with, host_name
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BELOW = "/.well-known/acme-challenge/"
SECRET = "0123456789abcdef0123456789abcdef"
KEYS = Keys()


class Own(NamedTuple):
    """The proxy, the ports of its entry points, and the file with certificate and key of a challenge."""

    proxy: Proxy
    ports: dict[str, int]
    challenge: Path

    def write(self, name: str, text: str) -> None:
        """Write a challenge to the store, as the agent does."""
        client = connect(self.proxy.store.url)
        client.set(KEYS.acme_challenge(name), text, ex=60)
        client.close()


@pytest.fixture(scope="module")
def own(directory: Path) -> Iterator[Own]:
    path = directory / "challenges"
    path.mkdir()
    ports = {name: free_port() for name in ("redirecting", "bypassing", "secure", "mutual")}
    certificate = write_certificate(path / "own.pem")
    flags = [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in ports.items()]
    flags += [
        f"--store.secret={SECRET}",
        "--certificatesResolvers.a.acme.httpChallenge.entryPoint=redirecting",
        "--certificatesResolvers.a.acme.tlsChallenge=true",
        "--certificatesResolvers.b.acme.httpChallenge.entryPoint=bypassing",
        "--entryPoints.redirecting.http.redirections.entryPoint.to=:443",
        "--entryPoints.redirecting.http.redirections.entryPoint.priority=1",
        "--entryPoints.redirecting.http.middlewares=missing@file",
        "--entryPoints.bypassing.allowACMEByPass=true",
        f"--entryPoints.secure.tls.certificates={certificate},{certificate}",
        "--entryPoints.secure.tls.minVersion=VersionTLS13",
        "--entryPoints.secure.transport.respondingTimeouts.readTimeout=1s",
        f"--entryPoints.mutual.tls.certificates={certificate},{certificate}",
        f"--entryPoints.mutual.tls.clientCA.files={certificate}",
        f"--accessLog.filePath={path}/access.log",
    ]
    challenge = write_certificate(path / "challenge.pem", "DNS:a.test")
    with Store(path) as store, running_proxy(path, store, *flags) as proxy:
        yield Own(proxy, {"web": proxy.web, **ports}, challenge)


@pytest.fixture
def proxy(own: Own) -> Iterator[Proxy]:
    yield from watched(own.proxy)


def request(port: int, method: str, path: str) -> http.Response:
    with Client(port) as client:
        client.send(f"{method} {path} HTTP/1.1\r\nHost: any.test\r\nConnection: close\r\n\r\n".encode())
        return http.parse(client.rest(), method)


@pytest.mark.usefixtures("proxy")
def test_a_challenge_comes_before_routers_redirections_and_middlewares(own: Own, origin: Start) -> None:
    own.proxy.route(origin(OK), rule="PathPrefix(`/`)")
    own.write("http-01 t_1-A", "t_1-A.thumbprint")
    port = own.ports["redirecting"]
    found = request(port, "GET", f"{BELOW}t_1-A")
    assert (found.status, found.body) == (200, b"t_1-A.thumbprint")
    assert found.header("Content-Type") == "text/plain; charset=utf-8"
    head = request(port, "HEAD", f"{BELOW}t_1-A")
    assert (head.status, head.header("Content-Length"), head.body) == (200, "16", b"")
    assert request(port, "GET", f"{BELOW}unknown").status == 404
    refused = request(port, "POST", f"{BELOW}t_1-A")
    assert (refused.status, refused.header("Allow")) == (405, "GET, HEAD")
    # The middleware of this entry point is missing, so that its routers are closed.
    assert request(port, "GET", f"{BELOW}../t_1-A").status == 503
    assert request(port, "GET", "/").status == 503


@pytest.mark.usefixtures("proxy")
def test_other_entry_points_leave_challenges_to_routers(own: Own, origin: Start) -> None:
    own.proxy.route(origin(OK), rule="PathPrefix(`/`)")
    own.write("http-01 token", "token.thumbprint")
    found = {name: request(own.ports[name], "GET", f"{BELOW}token").body for name in ("web", "bypassing")}
    assert found == {"web": b"ok", "bypassing": b"token.thumbprint"}
    for method in ("GET", "POST"):
        assert request(own.ports["bypassing"], method, f"{BELOW}other").body == b"ok"


def test_challenges_are_neither_counted_nor_logged(proxy: Proxy, own: Own, directory: Path) -> None:
    own.write("http-01 silent", "silent.thumbprint")
    with Client(own.ports["redirecting"]) as client:
        for path in (f"{BELOW}silent", f"{BELOW}silent1", "/last"):
            client.send(f"GET {path} HTTP/1.1\r\nHost: any.test\r\n\r\n".encode())
            client.answer()
    log = directory / "challenges" / "access.log"
    until(lambda: "/last" in log.read_text(), "the last line")
    assert "silent" not in log.read_text()


def handshake(
    port: int, name: str | None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> tuple[bytes | None, str | None, bytes]:
    """Return the certificate, the protocol, and what follows a CA's handshake until the proxy closes."""
    context = client_context(version)
    context.set_alpn_protocols(["acme-tls/1"])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=name) as tls,
    ):
        return tls.getpeercert(binary_form=True), tls.selected_alpn_protocol(), tls.recv(1)


def certificate_of(file: Path) -> bytes:
    pem = file.read_text()
    return ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERTIFICATE") :])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("entry_point", ["secure", "mutual", "web"])
def test_the_certificate_of_a_challenge_is_its_answer(
    proxy: Proxy, own: Own, origin: Start, entry_point: str, version: ssl.TLSVersion
) -> None:
    proxy.route(origin(OK), rule="Host(`a.test`)", tls=True)
    own.write("tls-alpn-01 a.test", Sealer(SECRET.encode()).seal(own.challenge.read_text()))
    found = handshake(own.ports[entry_point], "A.test", version)
    assert found == (certificate_of(own.challenge), "acme-tls/1", b"")


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("name", ["b.test", None])
def test_a_handshake_without_challenge_is_refused(own: Own, name: str | None) -> None:
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        handshake(own.ports["secure"], name)


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("text", ["sealed", "no PEM"])
def test_an_unusable_challenge_is_reported_without_its_text(own: Own, text: str) -> None:
    host = "c.test" if text == "sealed" else "d.test"
    if text == "sealed":
        text = Sealer(SECRET[::-1].encode()).seal(own.challenge.read_text())
    own.write(f"tls-alpn-01 {host}", text)
    seen = len(own.proxy.process.log)
    for _ in range(2):
        with pytest.raises(ssl.SSLError, match="INTERNAL_ERROR"):
            handshake(own.ports["secure"], host)
    message = f"the TLS-ALPN-01 challenge of {host} cannot be answered: "
    until(lambda: message in own.proxy.process.log[seen:], "the warning")
    assert own.proxy.process.log.count(message) == 1
    assert text not in own.proxy.process.log


@pytest.mark.usefixtures("proxy")
def test_other_clients_get_the_certificates_of_the_entry_point(own: Own) -> None:
    own.write("tls-alpn-01 a.test", own.challenge.read_text())
    context = client_context(ssl.TLSVersion.TLSv1_3)
    context.set_alpn_protocols(["http/1.1"])
    with Client(own.ports["secure"]) as client:
        client.socket = context.wrap_socket(client.socket, server_hostname="a.test")
        assert client.socket.getpeercert(binary_form=True) != certificate_of(own.challenge)


@pytest.mark.usefixtures("proxy")
def test_a_ca_that_goes_silent_is_given_up(own: Own) -> None:
    own.write("tls-alpn-01 a.test", own.challenge.read_text())
    with Client(own.ports["secure"]) as client:
        client.send(hello_with(host_name(b"a.test"), alpn(b"acme-tls/1")))
        client.rest()


@pytest.mark.usefixtures("proxy")
def test_a_store_that_hangs_holds_no_other_request(own: Own, origin: Start) -> None:
    host = own.proxy.route(origin(OK))
    own.write("http-01 token", "token.thumbprint")
    redirecting = own.ports["redirecting"]
    paths = [f"{BELOW}token"] * 12
    own.proxy.store.freeze()
    try:
        began = time.monotonic()
        clients = [Client(redirecting) for _ in paths]
        for client, path in zip(clients, paths, strict=True):
            client.send(f"GET {path} HTTP/1.1\r\nHost: any.test\r\n\r\n".encode())
        for _ in range(5):
            assert own.proxy.get(host) == "ok"
        assert time.monotonic() - began < 0.8
        answers = [client.answer() for client in clients]
        assert {answer.status for answer in answers} == {503}
        assert b"the store of challenges does not reply" in answers[0].body
        with pytest.raises(ssl.SSLError, match="INTERNAL_ERROR"):
            handshake(own.ports["secure"], "a.test")
        assert time.monotonic() - began < 10
        for client in clients:
            client.socket.close()
    finally:
        own.proxy.store.thaw()
    assert request(redirecting, "GET", f"{BELOW}token").status == 200
