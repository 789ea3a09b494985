"""Traefik 3 and Rondpoint route TCP connections alike: both get the same routers and connections."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml

from proxy.net.proxy_protocol import parse_header
from proxy.tcp.postgres import SSL_REQUEST
from rondpoint.rules.expression import And, Expression, Match, Not, Or
from tests.lab.certificate import write_certificate
from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.tcp_server import TcpServer as Running
from tests.lab.tcp_server import announce, echo
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.proxy.tcp.routing import ANYTHING, connect, exactly, receive_all, sni, text_of
from tests.proxy.tls.handshakes import client_context, server_context

FRAMED = "--entryPoints.framed.proxyProtocol.trustedIPs=127.0.0.1"
ENTRY_POINTS = ("plain", "both", "anyhttps", "plainhttp", "framed", "limited", "halves", "weights", "empty")

CLIENT = Match("ClientIP", ("127.0.0.1",))
STRANGER = Match("ClientIP", ("10.0.0.0/8",))


class Tcp(NamedTuple):
    """A TCP router; the server `service` names itself by its first byte."""

    entry_point: str
    expression: Expression
    service: str
    tls: bool = False
    passthrough: bool = False
    options: str = ""
    priority: int = 0
    middlewares: tuple[str, ...] = ()


ROUTERS: dict[str, Tcp] = {
    "plain": Tcp("plain", ANYTHING, "a"),
    "named": Tcp("both", sni("t.test"), "b", tls=True),
    "wild": Tcp("both", sni("*.w.test"), "c", tls=True),
    "exact": Tcp("both", sni("x.w.test"), "d", tls=True, priority=100),
    "pattern": Tcp("both", Match("HostSNIRegexp", (r"^p[0-9]+\.test$",)), "e", tls=True),
    "hidden": Tcp("both", sni("h.test"), "f", tls=True, priority=1000),
    "passed": Tcp("both", sni("pass.test"), "secure", tls=True, passthrough=True),
    "mutual": Tcp("both", sni("mutual.test"), "g", tls=True, options="mutual"),
    "missing": Tcp("both", sni("missing.test"), "g", tls=True, options="missing"),
    "alpn": Tcp("both", And((sni("alpn.test"), Match("ALPN", ("postgresql",)))), "h", True, options="alpn"),
    "either": Tcp("both", Or((sni("one.test"), sni("two.test"))), "i", tls=True),
    "client": Tcp("both", And((sni("client.test"), CLIENT)), "j", tls=True),
    "stranger": Tcp("both", And((sni("client.test"), STRANGER)), "k", tls=True, priority=1000),
    "low": Tcp("both", sni("prio.test"), "l", tls=True, priority=5),
    "high": Tcp("both", sni("prio.test"), "m", tls=True, priority=6),
    "negated": Tcp("both", And((sni("*.neg.test"), Not(sni("not.neg.test")))), "n", tls=True),
    "allowed": Tcp("both", sni("allowed.test"), "o", tls=True, middlewares=("loopback",)),
    "denied": Tcp("both", sni("denied.test"), "o", tls=True, middlewares=("foreign",)),
    "rest": Tcp("both", ANYTHING, "z", tls=True),
    "clear": Tcp("both", ANYTHING, "y"),
    "all": Tcp("anyhttps", ANYTHING, "z", tls=True),
    "some": Tcp("anyhttps", sni("t.test"), "b", tls=True),
    "higher": Tcp("anyhttps", And((ANYTHING, CLIENT)), "q", tls=True, priority=-5),
    "nobody": Tcp("plainhttp", And((ANYTHING, STRANGER)), "a"),
    "header": Tcp("framed", And((ANYTHING, Match("ClientIP", ("10.0.0.0/8", "2001:db8::/32")))), "framed1"),
    "header2": Tcp("framed", ANYTHING, "framed2"),
    "limited": Tcp("limited", ANYTHING, "a", middlewares=("two",)),
    "halves": Tcp("halves", ANYTHING, "counting"),
    "weights": Tcp("weights", ANYTHING, "weighted"),
    "empty": Tcp("empty", ANYTHING, "nothing"),
}

HTTP_ROUTERS: dict[str, dict[str, Any]] = {
    "host": {"rule": "Host(`h.test`) || Host(`*.hw.test`)", "entryPoints": ["both"], "tls": {}},
    "clearhost": {"rule": "Host(`h.test`)", "entryPoints": ["both", "plainhttp"]},
    "anyhttps": {"rule": "PathPrefix(`/`)", "entryPoints": ["anyhttps"], "tls": {}},
}

MIDDLEWARES: dict[str, dict[str, Any]] = {
    "loopback": {"ipAllowList": {"sourceRange": ["127.0.0.0/8"]}},
    "foreign": {"ipAllowList": {"sourceRange": ["10.0.0.0/8"]}},
    "two": {"inFlightConn": {"amount": 2}},
}

WEIGHTS = {"a": 2, "b": 1}


class Call(NamedTuple):
    """A connection: over TLS if `name` is not empty (`-` for no server name), and what the client sends."""

    entry_point: str
    name: str = ""
    alpn: tuple[str, ...] = ()
    own: bool = False
    postgres: bool = False
    sent: bytes = b"GET / HTTP/1.1\r\nHost: h.test\r\nConnection: close\r\n\r\n"
    first: bytes = b""


NAMES = (
    *("t.test", "T.TEST", "x.t.test", "x.w.test", "y.w.test", "w.test", "a.b.w.test", "p1.test", "p1x.test"),
    *("h.test", "x.hw.test", "hw.test", "pass.test", "mutual.test", "missing.test", "one.test", "two.test"),
    *(
        "three.test",
        "client.test",
        "prio.test",
        "x.neg.test",
        "not.neg.test",
        "allowed.test",
        "denied.test",
        "-",
    ),
)


def calls() -> Iterator[Call]:
    yield Call("plain")
    yield Call("plain", sent=b"")
    yield Call("plain", "t.test")
    yield Call("empty")
    for name in NAMES:
        yield Call("both", name)
    yield Call("both", "mutual.test", own=True)
    for alpn in (
        ("postgresql",),
        ("h2",),
        ("http/1.1",),
        ("foo",),
        ("foo", "http/1.1"),
        ("postgresql", "h2"),
    ):
        yield Call("both", "alpn.test", alpn)
        yield Call("both", "t.test", alpn)
    for sent in (
        b"hello",
        b"GET / HTTP/1.1\r\nHost: h.test\r\nConnection: close\r\n\r\n",
        SSL_REQUEST[:6] + b"no",
    ):
        yield Call("both", sent=sent)
    for name in ("t.test", "x.w.test", "pass.test", "mutual.test", "other.test"):
        yield Call("both", name, postgres=True, sent=b"startup")
    for name in ("t.test", "other.test", "-"):
        yield Call("anyhttps", name)
    yield Call("anyhttps")
    yield Call("plainhttp")
    for header in (
        b"PROXY TCP4 10.0.0.7 192.0.2.1 1234 443\r\n",
        b"PROXY TCP6 2001:db8::7 2001:db8::1 1234 443\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n",
        b"PROXY UNKNOWN\r\n",
    ):
        yield Call("framed", first=header, sent=b"hello")


CALLS = list(dict.fromkeys(calls()))


def label(call: Call) -> str:
    parts = [call.entry_point, call.name, *call.alpn, "own" * call.own, "postgres" * call.postgres]
    given = call.first.decode() or call.sent[:5].decode("latin-1")
    return " ".join(part for part in (*parts, repr(given)) if part)


class Candidate:
    """A running proxy with the routers; `files` are the client's certificate."""

    def __init__(self, ports: dict[str, int], own: Path) -> None:
        self.ports = ports
        self._own = own

    def outcome(self, call: Call) -> tuple[str, ...]:
        """Return what the client gets: what it sees of TLS, and the server or status that responds."""
        seen: list[str] = []
        try:
            with connect(self.ports[call.entry_point]) as plain:
                plain.settimeout(10)
                plain.sendall(call.first)
                if call.postgres:
                    plain.sendall(SSL_REQUEST)
                    seen.append(exactly(plain, 1).decode())
                if not call.name:
                    return (*seen, self._respond(plain, call))
                with self._start_tls(plain, call) as tls:
                    seen += [self._certificate(tls), str(tls.selected_alpn_protocol())]
                    return (*seen, self._respond(tls, call))
        except OSError:
            return (*seen, "closed")

    def _start_tls(self, plain: socket.socket, call: Call) -> ssl.SSLSocket:
        context = client_context(ssl.TLSVersion.TLSv1_2)
        if call.alpn:
            context.set_alpn_protocols(list(call.alpn))
        if call.own:
            context.load_cert_chain(self._own)
        return context.wrap_socket(plain, server_hostname=None if call.name == "-" else call.name)

    def _certificate(self, tls: ssl.SSLSocket) -> str:
        found = tls.getpeercert(binary_form=True) or b""
        return next((name for name in (b"t.test", b"pass.test") if name in found), b"default").decode()

    def _respond(self, client: socket.socket, call: Call) -> str:
        client.sendall(call.sent)
        received = exactly(client, 1)
        if received == b"H":
            # The status of an HTTP response; no server is called so.
            return exactly(client, 11)[8:].decode()
        if not received:
            return "closed"
        if received == b"P" or received == b"\r":
            while (header := parse_header(received)) is None:
                received += client.recv(1)
            assert exactly(client, len(call.sent)) == call.sent
            port = header.source_port if call.first and header.source != "127.0.0.1" else ""
            return f"{received[:1]!r} {header.source} {port} {header.destination}"
        assert exactly(client, len(call.sent)) == call.sent
        return received.decode()


def repeat(connection: socket.socket) -> None:
    """Send the PROXY header back, which comes first, and the rest."""
    echo(connection)


def count_bytes(connection: socket.socket) -> None:
    connection.sendall(b"%d" % len(receive_all(connection)))


@pytest.fixture(scope="module")
def candidates() -> Iterator[tuple[Candidate, Candidate]]:
    """Rondpoint and Traefik with the same file."""
    with TemporaryDirectory(prefix="rp-") as directory_name, ExitStack() as stack:
        directory = Path(directory_name)
        own = write_certificate(directory / "client.pem", "DNS:client")
        write_certificate(directory / "t.pem", "DNS:t.test", "DNS:x.w.test")
        context = server_context(write_certificate(directory / "pass.pem", "DNS:pass.test"))
        letters = "abcdefghijklmnopqyz"
        servers = {name: stack.enter_context(Running(announce(name.encode()))) for name in letters}
        servers["framed1"] = servers["framed2"] = stack.enter_context(Running(repeat))
        servers["counting"] = stack.enter_context(Running(count_bytes))
        servers["secure"] = stack.enter_context(Running(announce(b"s"), context))
        ports = {name: server.port for name, server in servers.items()}
        origin = stack.enter_context(Origin.named("h"))
        processes = Processes()
        stack.callback(processes.stop)
        routes = _routes(directory, ports, origin, own)
        ours, theirs = (
            _start(proxy, processes, directory, routes, own) for proxy in ("rondpoint", "traefik")
        )
        yield ours, theirs


def _routes(directory: Path, servers: dict[str, int], origin: Origin, own: Path) -> Path:
    """Write the file with routers and services for both; return its path."""
    services: dict[str, Any] = {
        name: {"loadBalancer": {"servers": [{"address": f"127.0.0.1:{port}"}]}}
        for name, port in servers.items()
    }
    for name in ("framed1", "framed2"):
        services[name]["loadBalancer"]["proxyProtocol"] = {"version": int(name[-1])}
    services["counting"]["loadBalancer"]["serversTransport"] = "patient"
    services["nothing"] = {"loadBalancer": {"servers": []}}
    members = [{"name": name, "weight": weight} for name, weight in WEIGHTS.items()]
    services["weighted"] = {"weighted": {"services": members}}
    pair = {"certFile": str(directory / "t.pem"), "keyFile": str(directory / "t.pem")}
    content = {
        "http": {
            "routers": {name: {**each, "service": "s"} for name, each in HTTP_ROUTERS.items()},
            "services": {"s": {"loadBalancer": {"servers": [{"url": origin.url}]}}},
        },
        "tcp": {
            "routers": {name: _written(each) for name, each in ROUTERS.items()},
            "services": services,
            "middlewares": MIDDLEWARES,
            # Without a transport of its own, a service of Traefik has no time at all to end its side.
            "serversTransports": {"patient": {"terminationDelay": "10s"}},
        },
        "tls": {
            "certificates": [pair],
            "options": {
                "mutual": {
                    "clientAuth": {"caFiles": [str(own)], "clientAuthType": "RequireAndVerifyClientCert"}
                },
                "alpn": {"alpnProtocols": ["postgresql", "http/1.1"]},
            },
        },
    }
    file = directory / "routes.yml"
    file.write_text(yaml.safe_dump(content))
    return file


def _start(proxy: str, processes: Processes, directory: Path, routes: Path, own: Path) -> Candidate:
    ports = {name: free_port() for name in ENTRY_POINTS}
    flags = [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in ports.items()]
    flags += [FRAMED, f"--providers.file.filename={routes}"]
    if proxy == "traefik":
        running = start_traefik(processes, *flags)
    else:
        running = start(processes, *flags, "--providers.docker=false", "--workers=1", directory=directory)
    for port in ports.values():
        running.process.wait_for_port(port)
    found = Candidate(ports, own)
    until(lambda: found.outcome(Call("both", "t.test"))[-1] == "b", f"routes of {proxy}")
    return found


def _written(each: Tcp) -> dict[str, Any]:
    written: dict[str, Any] = {
        "entryPoints": [each.entry_point],
        "rule": text_of(each.expression),
        "service": each.service,
        "middlewares": list(each.middlewares),
    }
    if each.priority:
        written["priority"] = each.priority
    if each.tls:
        written["tls"] = {"passthrough": each.passthrough}
        if each.options:
            written["tls"]["options"] = each.options
    return written


@pytest.mark.parametrize("call", CALLS, ids=label)
def test_both_route_connections_alike(call: Call, candidates: tuple[Candidate, Candidate]) -> None:
    ours, theirs = (candidate.outcome(call) for candidate in candidates)
    assert ours == theirs


def test_both_pass_the_end_of_one_direction_on(candidates: tuple[Candidate, Candidate]) -> None:
    def counted(candidate: Candidate) -> bytes:
        with connect(candidate.ports["halves"]) as client:
            client.sendall(b"x" * 100_000)
            client.shutdown(socket.SHUT_WR)
            return receive_all(client)

    assert [counted(candidate) for candidate in candidates] == [b"100000", b"100000"]


def test_both_limit_the_connections_of_a_client(candidates: tuple[Candidate, Candidate]) -> None:
    for candidate in candidates:
        port = candidate.ports["limited"]
        with connect(port) as one, connect(port) as two:
            assert exactly(one, 1) + exactly(two, 1) == b"aa"
            with connect(port) as three:
                assert receive_all(three) == b""


def test_both_distribute_connections_by_weight(candidates: tuple[Candidate, Candidate]) -> None:
    for candidate in candidates:
        seen = bytearray()
        for _ in range(9):
            with connect(candidate.ports["weights"]) as client:
                seen += exactly(client, 1)
        assert bytes(sorted(seen)) == b"aaaaaabbb"
