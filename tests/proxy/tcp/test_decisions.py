"""Which router takes a connection, by its first bytes, and what HTTP still gets."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from rondpoint.rules.expression import And, Expression, Match, Not, Or
from rondpoint.tls.model import TlsOptions
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Origin
from tests.lab.tcp_server import Handler, TcpServer, announce
from tests.proxy.running import Proxy
from tests.proxy.tcp.routing import ANYTHING, connect, connect_tls, exactly, receive_all, route, service, sni
from tests.proxy.tls.certificates import make_certificate
from tests.proxy.tls.handshakes import server_context

Start = Callable[[Handler], TcpServer]


def named(name: bytes, server: Start) -> int:
    return server(announce(name)).port


def reached(port: int, name: str | None, **options: object) -> bytes:
    """Return the byte by which the server names itself; b"" if the proxy closes the connection."""
    try:
        with connect_tls(port, name, **options) as client:  # type: ignore[arg-type]
            return exactly(client, 1)
    except OSError:
        return b""


def status_over_tls(port: int, name: str | None) -> int:
    with connect_tls(port, name) as client:
        client.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return http.parse(receive_all(client)).status


@pytest.mark.parametrize(
    ("expression", "taken", "left"),
    [
        (sni("a.test"), ["a.test", "A.TEST"], ["b.test", "x.a.test", None]),
        (sni("*.a.test"), ["x.a.test"], ["a.test", "y.x.a.test", None]),
        (sni("*"), ["a.test", None], []),
        (Match("HostSNIRegexp", (r"^[a-c]\.test$",)), ["a.test", "c.test"], ["d.test", None]),
        (And((sni("*"), Not(sni("a.test")))), ["b.test", None], ["a.test"]),
        (Or((sni("a.test"), sni("b.test"))), ["a.test", "b.test"], ["c.test", None]),
        (And((sni("a.test"), Match("ClientIP", ("127.0.0.0/8",)))), ["a.test"], ["b.test"]),
        (And((sni("a.test"), Match("ClientIP", ("10.0.0.0/8",)))), [], ["a.test"]),
    ],
)
def test_a_router_over_tls_takes_the_names_of_its_rule(
    expression: Expression,
    taken: list[str | None],
    left: list[str | None],
    proxy: Proxy,
    ports: dict[str, int],
    server: Start,
) -> None:
    route(proxy, "both", expression, named(b"a", server), tls=True)
    for name in taken:
        assert reached(ports["both"], name) == b"a", name
    for name in left:
        # HTTP over TLS: its server sends nothing by itself.
        with connect_tls(ports["both"], name) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert receive_all(client).startswith(b"HTTP/1.1 404 ")


def test_a_router_by_alpn(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    proxy.tls_options["o@x"] = TlsOptions("o@x", alpn=("postgresql", "http/1.1"))
    rule = And((ANYTHING, Match("ALPN", ("postgresql",))))
    route(proxy, "both", rule, named(b"p", server), tls=True, tls_options="o@x")
    with connect_tls(ports["both"], "a.test", alpn=("postgresql",)) as client:
        assert client.selected_alpn_protocol() == "postgresql"
        assert exactly(client, 1) == b"p"
    assert status_over_tls(ports["both"], "a.test") == 404


def test_passthrough_leaves_tls_to_the_server(
    proxy: Proxy, ports: dict[str, int], tmp_path: Path, server: Callable[..., TcpServer]
) -> None:
    own = write_certificate(tmp_path / "own.pem", "DNS:a.test")
    running = server(announce(b"s"), server_context(own))
    route(proxy, "both", sni("a.test"), running.port, tls=True, passthrough=True)
    with connect_tls(ports["both"], "a.test") as client:
        shown = client.getpeercert(binary_form=True)
        assert exactly(client, 1) == b"s"
    text = own.read_text()
    assert shown == ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERT") :])


def test_the_certificate_follows_from_the_server_name(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    certificate = make_certificate("c@x", "a.test")
    proxy.certificates["c@x"] = certificate
    route(proxy, "both", sni("a.test"), named(b"a", server), tls=True)
    with connect_tls(ports["both"], "a.test") as client:
        assert client.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(certificate.chain)
        assert exactly(client, 1) == b"a"


def test_the_options_are_those_of_the_router(
    proxy: Proxy, ports: dict[str, int], tmp_path: Path, server: Start
) -> None:
    own = write_certificate(tmp_path / "client.pem", "DNS:client")
    authority = own.read_text()[own.read_text().index("-----BEGIN CERT") :]
    proxy.tls_options["mutual@x"] = TlsOptions(
        "mutual@x", client_auth="RequireAndVerifyClientCert", client_authorities=(authority,)
    )
    route(proxy, "both", sni("a.test"), named(b"a", server), tls=True, tls_options="mutual@x")
    assert reached(ports["both"], "a.test") == b""
    assert reached(ports["both"], "a.test", own=str(own)) == b"a"


def test_unknown_options_refuse_connections(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    route(proxy, "both", sni("a.test"), named(b"a", server), tls=True, tls_options="missing@x")
    assert reached(ports["both"], "a.test") == b""


def test_a_change_of_options_ends_their_connections(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    proxy.tls_options["o@x"] = TlsOptions("o@x")
    route(proxy, "both", sni("a.test"), named(b"a", server), tls=True, tls_options="o@x")
    route(proxy, "both", sni("b.test"), named(b"b", server), tls=True)
    with connect_tls(ports["both"], "a.test") as client, connect_tls(ports["both"], "b.test") as other:
        assert exactly(client, 1) + exactly(other, 1) == b"ab"
        proxy.tls_options["o@x"] = TlsOptions("o@x", min_version="VersionTLS13")
        proxy.publish()
        assert receive_all(client) == b""
        other.sendall(b"x")
        assert exactly(other, 1) == b"x"


def test_the_order_of_http_and_tcp_routers_over_tls_is_traefiks(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    with Origin.named("h") as running:
        proxy.route(running, rule="Host(`h.test`) || Host(`*.w.test`)", tls=True, entry_points=("both",))
        route(proxy, "both", ANYTHING, named(b"*", server), tls=True)
        route(proxy, "both", sni("h.test", "x.w.test"), named(b"n", server), tls=True, priority=1000)
        route(proxy, "both", sni("t.test"), named(b"t", server), tls=True)
        # A host of an HTTP router comes before all TCP routers.
        assert status_over_tls(ports["both"], "h.test") == 200
        assert status_over_tls(ports["both"], "x.w.test") == 200
        assert reached(ports["both"], "t.test") == b"t"
        assert reached(ports["both"], "other.test") == b"*"
        # An HTTP router without a host comes before a TCP router for all names.
        proxy.route(running, rule="PathPrefix(`/`)", tls=True, entry_points=("both",))
        assert status_over_tls(ports["both"], "other.test") == 200
        assert reached(ports["both"], "t.test") == b"t"
        assert status_over_tls(ports["both"], None) == 200


def test_without_tls_a_tcp_router_comes_before_http(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    with Origin.named("h") as running:
        proxy.route(running, rule="PathPrefix(`/`)", entry_points=("both",))
        assert http.request(ports["both"], "any.test").status == 200
        name = route(proxy, "both", And((ANYTHING, Match("ClientIP", ("10.0.0.0/8",)))), named(b"a", server))
        # The router does not match: HTTP goes on.
        assert http.request(ports["both"], "any.test").status == 200
        proxy.tcp_routers.pop(name)
        route(proxy, "both", ANYTHING, named(b"a", server))
        with connect(ports["both"]) as client:
            assert exactly(client, 1) == b"a"


def test_with_a_router_over_tls_the_first_bytes_decide(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    route(proxy, "both", ANYTHING, named(b"p", server))
    route(proxy, "both", ANYTHING, named(b"t", server), tls=True)
    with connect(ports["both"]) as client:
        client.sendall(b"hello")
        assert exactly(client, 6) == b"phello"
    assert reached(ports["both"], "a.test") == b"t"


def test_a_hello_in_pieces_is_read_whole(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    route(proxy, "both", sni("a.test"), named(b"a", server), tls=True)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = context.wrap_bio(incoming, outgoing, server_hostname="a.test")
    with connect(ports["both"]) as client:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    client.sendall(bytes((byte,)))
                incoming.write(client.recv(65536))
        client.sendall(outgoing.read())
        received = b""
        while not received:
            try:
                received = tls.read(1)
            except ssl.SSLWantReadError:
                incoming.write(client.recv(65536))
    assert received == b"a"


@pytest.mark.parametrize("garbage", [b"\x16garbage that is no handshake", b"\x80\x2e\x01\x00\x02"])
def test_what_looks_like_tls_and_is_none_is_closed(
    garbage: bytes, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    route(proxy, "both", ANYTHING, named(b"p", server))
    route(proxy, "both", sni("a.test"), named(b"t", server), tls=True)
    with connect(ports["both"]) as client:
        client.sendall(garbage)
        client.settimeout(30)
        received = b""
        with suppress(ConnectionResetError):
            received = receive_all(client)
        assert b"p" not in received
        assert b"t" not in received


def test_the_higher_priority_and_then_the_lower_name_wins(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    route(proxy, "both", sni("a.test"), named(b"1", server), tls=True, priority=5)
    route(proxy, "both", sni("a.test"), named(b"2", server), tls=True, priority=5)
    assert reached(ports["both"], "a.test") == b"1"
    route(proxy, "both", sni("*.test"), named(b"3", server), tls=True, priority=6)
    assert reached(ports["both"], "a.test") == b"3"
    route(proxy, "both", Match("HostSNIRegexp", ("^a",)), named(b"4", server), tls=True, priority=7)
    assert reached(ports["both"], "a.test") == b"4"


def test_ten_thousand_routers(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    first, second = named(b"a", server), named(b"b", server)
    names = [route(proxy, "both", sni(f"h{n}.test"), first, tls=True, wait=False) for n in range(10_000)]
    proxy.publish()
    # So many objects are applied in portions.
    proxy.wait_for(proxy.revision)
    for number in (0, 4_999, 9_999):
        assert reached(ports["both"], f"h{number}.test") == b"a"
    # A change of one service is one object.
    changed = names[4_999]
    proxy.tcp_services[changed] = service(changed, second)
    proxy.publish()
    assert reached(ports["both"], "h4999.test") == b"b"
    assert reached(ports["both"], "h4998.test") == b"a"
    assert status_over_tls(ports["both"], "h10000.test") == 404


def test_an_entry_point_without_tcp_routers_serves_http_as_before(
    proxy: Proxy, ports: dict[str, int]
) -> None:
    with Origin.named("h") as running:
        proxy.route(running, rule="Host(`h.test`)", tls=True, entry_points=("both",))
        proxy.route(running, rule="Host(`p.test`)", entry_points=("both",))
        assert status_over_tls(ports["both"], "h.test") == 200
        assert http.request(ports["both"], "p.test").status == 200
