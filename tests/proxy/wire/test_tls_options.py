"""Certificates and TLS options of the configuration, at a running proxy.

Handshakes choose options by the server name; requests must fit the options of their connection.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from rondpoint.tls.model import TlsOptions
from tests.lab.certificate import write_certificate
from tests.lab.http2.client import Client as Http2Client
from tests.lab.origin import Start
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.tls.certificates import make_certificate
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Answer, Client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STRICT = "strict@file"


@pytest.fixture(scope="module")
def authority(directory: Path) -> Path:
    """A client's certificate with its key; the options `strict` trust it."""
    return write_certificate(directory / "client.pem", "DNS:client")


@pytest.fixture(scope="module")
def own(directory: Path, authority: Path) -> Iterator[tuple[Proxy, dict[str, int]]]:
    """A proxy, and the ports of its entry points.

    All routers of `secure` use TLS, those of `strictest` with the options `strict`. `mutual` has its own
    options.
    """
    ports = {name: free_port() for name in ("secure", "strictest", "mutual")}
    path = directory / "options"
    path.mkdir()
    flags = [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in ports.items()]
    flags += [
        "--entryPoints.secure.http.tls",
        f"--entryPoints.strictest.http.tls.options={STRICT}",
        f"--entryPoints.mutual.tls.clientCA.files={authority}",
    ]
    with Store(path) as store, running_proxy(path, store, *flags) as proxy:
        yield proxy, {"web": proxy.web, **ports}


@pytest.fixture
def proxy(own: tuple[Proxy, dict[str, int]], authority: Path) -> Iterator[Proxy]:
    proxy = own[0]
    text = authority.read_text()
    strict = TlsOptions(
        STRICT,
        client_auth="RequireAndVerifyClientCert",
        client_authorities=(text[text.index("-----BEGIN CERTIFICATE") :],),
    )
    old = TlsOptions("old@file", max_version="VersionTLS12")
    broken = TlsOptions("broken@file", unserved="it has an unknown curve")
    proxy.tls_options.update({each.name: each for each in (strict, old, broken)})
    yield from watched(proxy)


@pytest.fixture
def ports(own: tuple[Proxy, dict[str, int]]) -> dict[str, int]:
    return own[1]


class Caller:
    """A client that may have a certificate; it returns 0 in place of a status if its handshake fails."""

    def __init__(self, own: Path | None = None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> None:
        # With TLS 1.2, a refused client learns that in the handshake.
        self.context = client_context(version)
        if own is not None:
            self.context.load_cert_chain(own)

    def connect(self, port: int, server_name: str | None) -> Client:
        client = Client(port)
        try:
            client.socket = self.context.wrap_socket(client.socket, server_hostname=server_name)
        except OSError:
            client.socket.close()
            raise
        return client

    def status(self, port: int, server_name: str | None, *hosts: str) -> int | list[int]:
        """Return the statuses of requests for these hosts on one connection, by default for its name."""
        try:
            client = self.connect(port, server_name)
        except OSError:
            return 0
        with client:
            found = [ask(client, host).status for host in hosts or (server_name or "",)]
        return found if hosts else found[0]


def http2_context(*offered: str) -> ssl.SSLContext:
    context = client_context(ssl.TLSVersion.TLSv1_3)
    context.set_alpn_protocols(offered or ["h2"])
    return context


class HalfHandshake:
    """A TLS 1.3 handshake that waits for its last message, the client's."""

    def __init__(self, client: Client, server_name: str) -> None:
        self._client = client
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = client_context(ssl.TLSVersion.TLSv1_3)
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        while not self._finished():
            client.send(self._outgoing.read())
            self._incoming.write(client.socket.recv(16384))

    def _finished(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def finish(self) -> str:
        """Send the last message and a request; return how the connection goes on."""
        self._tls.write(b"GET / HTTP/1.1\r\nHost: any.test\r\n\r\n")
        self._client.send(self._outgoing.read())
        self._incoming.write(self._client.rest())
        try:
            return "answered" if self._tls.read() else "ended"
        except ssl.SSLZeroReturnError:
            return "ended"


def ask(client: Client, host: str, path: str = "/") -> Answer:
    client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return client.answer()


def test_a_published_certificate_serves_its_names_until_it_is_withdrawn(
    proxy: Proxy, ports: dict[str, int], origin: Start
) -> None:
    host = proxy.route(origin(OK), tls=True)
    certificate = make_certificate("c@file", host)
    proxy.certificates["c@file"] = certificate

    def presented(port: int) -> bool:
        with Caller().connect(port, host) as client:
            found = client.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]
            assert ask(client, host).body == b"ok"
        return bool(ssl.DER_cert_to_PEM_cert(found) == certificate.chain)

    proxy.publish()
    assert [presented(ports[name]) for name in ("web", "secure")] == [True, True]
    del proxy.certificates["c@file"]
    proxy.publish()
    assert [presented(ports[name]) for name in ("web", "secure")] == [False, False]


@pytest.mark.parametrize("name", ["web", "secure"])
def test_options_go_by_the_server_name(
    proxy: Proxy, ports: dict[str, int], origin: Start, authority: Path, name: str
) -> None:
    seen = origin(OK)
    open_host = proxy.route(seen, tls=True)
    strict_host = proxy.route(seen, tls=True, tls_options=STRICT)
    old_host = proxy.route(seen, tls=True, tls_options="old@file")
    port, known = ports[name], Caller(authority)
    assert Caller().status(port, open_host) == 200
    assert Caller().status(port, strict_host.upper()) == 0
    assert known.status(port, strict_host) == 200
    assert Caller(version=ssl.TLSVersion.TLSv1_3).status(port, old_host) == 0
    assert Caller().status(port, old_host) == 200


def test_a_host_of_other_options_is_misdirected(
    proxy: Proxy, ports: dict[str, int], origin: Start, authority: Path
) -> None:
    seen = origin(OK)
    open_host = proxy.route(seen, tls=True)
    strict_host = proxy.route(seen, tls=True, tls_options=STRICT)
    anywhere = proxy.route(seen, rule="Host(`{host}`) || PathPrefix(`/any`)", tls=True, tls_options=STRICT)
    port = ports["secure"]
    hosts = (open_host, strict_host, strict_host, open_host, "unknown.test")
    assert Caller().status(port, open_host, *hosts) == [200, 421, 421, 200, 404]
    assert Caller().status(port, None, *hosts) == [200, 421, 421, 200, 404]
    assert Caller(authority).status(port, strict_host, *hosts) == [421, 200, 200, 421, 404]
    with Caller().connect(port, open_host) as client:
        assert ask(client, open_host, "/any").status == 200
        assert ask(client, anywhere, "/any").status == 421
        answer = ask(client, strict_host)
        assert answer.body == b"421 misdirected request\n"
    assert len(seen.requests) == 7


def test_a_stream_of_http_2_is_misdirected_like_a_connection(
    proxy: Proxy, ports: dict[str, int], origin: Start
) -> None:
    # Browsers use one connection for all names of a certificate (RFC 9113 §9.1.1).
    open_host = proxy.route(origin(OK), tls=True)
    strict_host = proxy.route(origin(OK), tls=True, tls_options=STRICT)
    with Http2Client(ports["secure"], tls=http2_context(), name=open_host) as client:
        client.start()
        asked = [client.request(authority=host.encode()) for host in (open_host, strict_host)]
        assert [client.wait_for(number).status for number in asked] == [200, 421]


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_options_choose_the_protocols(
    proxy: Proxy, ports: dict[str, int], origin: Start, protocol: str
) -> None:
    name = f"{protocol.replace('/', '')}@file"
    proxy.tls_options[name] = TlsOptions(name, alpn=(protocol,))
    host = proxy.route(origin(OK), tls=True, tls_options=name)
    connection = socket.create_connection(("127.0.0.1", ports["secure"]), timeout=10)
    with http2_context("h2", "http/1.1").wrap_socket(connection, server_hostname=host) as tls:
        assert tls.selected_alpn_protocol() == protocol
    assert Caller().status(ports["secure"], host) == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_does_not_lead_past_the_certificate_that_another_host_wants(
    proxy: Proxy, ports: dict[str, int], origin: Start, version: ssl.TLSVersion
) -> None:
    seen = origin(OK)
    open_host = proxy.route(seen, tls=True)
    strict_host = proxy.route(seen, tls=True, tls_options=STRICT)
    context, port = client_context(version), ports["secure"]

    def resume(host: str, session: ssl.SSLSession | None) -> ssl.SSLSocket:
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        tls = context.wrap_socket(client, server_hostname=host, session=session)
        tls.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return tls

    with resume(open_host, None) as begun:
        assert begun.recv(99).startswith(b"HTTP/1.1 200")
        session = begun.session
    with resume(open_host, session) as again:
        assert again.session_reused
        assert again.recv(99).startswith(b"HTTP/1.1 200")
    with (
        pytest.raises(OSError, match="ALERT"),
        resume(strict_host, session) as refused,
    ):
        refused.recv(99)
    assert len(seen.requests) == 2


def test_an_open_connection_meets_options_that_arrive_later(
    proxy: Proxy, ports: dict[str, int], origin: Start
) -> None:
    host = proxy.route(origin(OK), tls=True)
    name = host.removesuffix(".test")
    with Caller().connect(ports["secure"], host) as client:
        assert ask(client, host).status == 200
        proxy.routers[name] = replace(proxy.routers[name], tls_options=STRICT)
        proxy.publish()
        assert ask(client, host).status == 421
        proxy.routers[name] = replace(proxy.routers[name], tls_options="")
        proxy.publish()
        assert ask(client, host).status == 200


@pytest.mark.parametrize(("name", "named"), [("default@file", ""), ("open@file", "open@file")])
def test_options_that_change_end_the_connections_made_with_the_former_ones(
    proxy: Proxy, ports: dict[str, int], origin: Start, name: str, named: str
) -> None:
    proxy.tls_options[name] = TlsOptions(name)
    hosts = [proxy.route(origin(OK), tls=True, tls_options=each) for each in ("old@file", named)]
    port = ports["secure"]
    with (
        Caller().connect(port, hosts[0]) as other,
        Caller().connect(port, hosts[1]) as idle,
        Caller().connect(port, hosts[1]) as busy,
        Http2Client(port, tls=http2_context(), name=hosts[1]) as streams,
        Client(port) as client,
    ):
        streams.start()
        shaking = HalfHandshake(client, hosts[1])
        assert [ask(client, hosts[1]).status for client in (idle, busy)] == [200, 200]
        assert ask(other, hosts[0]).status == 200
        busy.send(f"GET / HTTP/1.1\r\nHost: {hosts[1]}\r\n".encode())
        proxy.tls_options[name] = replace(proxy.tls_options[STRICT], name=name)
        proxy.publish()
        assert idle.rest() == b""
        assert streams.wait_for_end()
        assert streams.goaway is not None
        assert shaking.finish() == "ended"
        busy.send(f"\r\nGET / HTTP/1.1\r\nHost: {hosts[1]}\r\n\r\n".encode())
        answer = busy.answer()
        assert (answer.status, answer.header("Connection")) == (200, "close")
        assert busy.rest() == b""
        assert ask(other, hosts[0]).status == 200
    assert Caller().status(port, hosts[1]) == 0


def test_routers_that_disagree_get_the_default_options(
    proxy: Proxy, ports: dict[str, int], origin: Start
) -> None:
    seen = origin(OK)
    host = proxy.route(seen, tls=True, tls_options=STRICT)
    port = ports["secure"]
    assert Caller().status(port, host) == 0
    proxy.route(seen, rule=f"Host(`{host}`) && PathPrefix(`/x`)", tls=True)
    assert Caller().status(port, host) == 200
    proxy.routers.popitem()
    proxy.publish()
    assert Caller().status(port, host) == 0


@pytest.mark.parametrize("options", ["broken@file", "missing@file"])
def test_broken_and_missing_options_close_their_hosts(
    proxy: Proxy, ports: dict[str, int], origin: Start, options: str
) -> None:
    seen = origin(OK)
    host, other = proxy.route(seen, tls=True, tls_options=options), proxy.route(seen, tls=True)
    assert Caller().status(ports["secure"], host) == 0
    assert Caller().status(ports["secure"], other, other, host) == [200, 404]


def test_options_of_an_entry_point_are_for_routers_without_tls_of_their_own(
    proxy: Proxy, ports: dict[str, int], origin: Start, authority: Path
) -> None:
    seen = origin(OK)
    plain, secure = proxy.route(seen), proxy.route(seen, tls=True)
    port = ports["strictest"]
    assert Caller().status(port, plain) == 0
    assert Caller(authority).status(port, plain, plain, secure) == [200, 421]
    assert Caller().status(port, secure, secure, plain) == [200, 421]


def test_an_entry_point_may_have_options_of_its_own(
    proxy: Proxy, ports: dict[str, int], origin: Start, authority: Path
) -> None:
    seen = origin(OK)
    host, old = proxy.route(seen), proxy.route(seen, tls=True, tls_options="old@file")
    assert Caller().status(ports["mutual"], host) == 0
    assert Caller(authority).status(ports["mutual"], host) == 200
    assert Caller().status(ports["mutual"], old, old, host) == [200, 421]


def test_plain_requests_get_a_404_where_all_routers_use_tls(
    proxy: Proxy, ports: dict[str, int], origin: Start
) -> None:
    host = proxy.route(origin(OK))
    for name in ("secure", "strictest", "mutual"):
        with Client(ports[name]) as client:
            assert [ask(client, host).status for _ in range(2)] == [404, 404]
