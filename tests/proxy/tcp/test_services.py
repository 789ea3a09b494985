"""What TCP services do besides rotation: headers, TLS, members, and the states of servers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from proxy.net.proxy_protocol import ProxyHeader, parse_header
from rondpoint.model import ClientCertificate, Member, ServerState, ServersTransport
from rondpoint.tcp.model import TcpServer, TcpServersTransport, TcpService
from tests.lab.certificate import write_certificate
from tests.lab.tcp_server import TcpServer as Running
from tests.lab.tcp_server import announce, echo
from tests.lab.waiting import until
from tests.proxy.running import Proxy
from tests.proxy.tcp.routing import ANYTHING, connect, exactly, receive_all, route, service
from tests.proxy.tls.handshakes import server_context

Start = Callable[..., Running]


def reached(port: int) -> bytes:
    """Return the byte by which the server names itself; b"" if the proxy closes the connection."""
    with connect(port) as client:
        return exactly(client, 1)


def repeat_header(connection: socket.socket) -> None:
    """Send the PROXY header back, then echo."""
    received = b""
    while (header := parse_header(received)) is None:
        received += connection.recv(65536)
    connection.sendall(received[: header.size])
    connection.sendall(received[header.size :])
    echo(connection)


def framed(version: int, **options: object) -> dict[str, object]:
    return {"transport": TcpServersTransport("t@x", proxy_protocol=version, **options)}  # type: ignore[arg-type]


def header_of(client: socket.socket) -> ProxyHeader:
    received = b""
    while (header := parse_header(received)) is None or not header.size:
        received += client.recv(1)
    return header


@pytest.mark.parametrize("version", [1, 2])
def test_servers_learn_the_addresses_of_the_client(
    version: int, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    route(proxy, "tcp", ANYTHING, server(repeat_header).port, service_options=framed(version))
    with connect(ports["tcp"]) as client:
        header = header_of(client)
        own = client.getsockname()
        assert (header.source, header.source_port) == own
        assert (header.destination, header.destination_port) == ("127.0.0.1", ports["tcp"])
        client.sendall(b"x")
        assert exactly(client, 1) == b"x"


@pytest.mark.parametrize("version", [1, 2])
def test_the_client_that_a_trusted_proxy_names_is_passed_on(
    version: int, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    route(proxy, "framed", ANYTHING, server(repeat_header).port, service_options=framed(version))
    with connect(ports["framed"]) as client:
        client.sendall(b"PROXY TCP6 2001:db8::1 2001:db8::2 1234 443\r\nhello")
        header = header_of(client)
        assert (header.source, header.source_port) == ("2001:db8::1", 1234)
        assert (header.destination, header.destination_port) == ("2001:db8::2", 443)
        assert exactly(client, 5) == b"hello"


def test_without_a_proxy_header_the_connection_itself_counts(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    route(proxy, "framed", ANYTHING, server(echo).port)
    with connect(ports["framed"]) as client:
        client.sendall(b"PROXY UNKNOWN\r\nhello")
        assert exactly(client, 5) == b"hello"


def tls_service(name: str, port: int, **options: object) -> dict[str, object]:
    transport = TcpServersTransport("t@x", tls=ServersTransport("t@x", **options))  # type: ignore[arg-type]
    return {"servers": (TcpServer("s", name, port, tls=True),), "transport": transport}


def test_servers_with_tls_are_verified(
    proxy: Proxy, ports: dict[str, int], tmp_path: Path, server: Start
) -> None:
    own = write_certificate(tmp_path / "own.pem", "DNS:localhost")
    other = write_certificate(tmp_path / "other.pem", "DNS:localhost")
    running = server(announce(b"s"), server_context(own))
    trusted = {"root_cas": (str(own),)}
    name = route(proxy, "tcp", ANYTHING, service_options=tls_service("localhost", running.port, **trusted))
    assert reached(ports["tcp"]) == b"s"
    for host, options, expected in (
        ("127.0.0.1", trusted, b""),
        ("127.0.0.1", {**trusted, "server_name": "localhost"}, b"s"),
        ("localhost", {"root_cas": (str(other),)}, b""),
        ("localhost", {}, b""),
        ("localhost", {"insecure_skip_verify": True}, b"s"),
        ("localhost", {**trusted, "peer_cert_uri": "spiffe://a.test/x"}, b""),
    ):
        proxy.tcp_services[name] = TcpService(name, **tls_service(host, running.port, **options))  # type: ignore[arg-type]
        proxy.publish()
        assert reached(ports["tcp"]) == expected, (host, options)


def test_without_a_transport_servers_are_verified_against_the_system(
    proxy: Proxy, ports: dict[str, int], tmp_path: Path, server: Start
) -> None:
    running = server(announce(b"s"), server_context(write_certificate(tmp_path / "own.pem")))
    servers = (TcpServer("s", "localhost", running.port, tls=True),)
    route(proxy, "tcp", ANYTHING, service_options={"servers": servers})
    assert reached(ports["tcp"]) == b""
    until(lambda: bool(running.failures), "the end of the handshake in the server")


def test_a_server_with_tls_learns_that_the_client_has_ended(
    proxy: Proxy, ports: dict[str, int], tmp_path: Path, server: Start
) -> None:
    def count_bytes(connection: socket.socket) -> None:
        connection.sendall(b"%d" % len(receive_all(connection)))

    own = write_certificate(tmp_path / "own.pem", "DNS:localhost")
    context = server_context(own)
    running = server(count_bytes, context)
    options = tls_service("localhost", running.port, root_cas=(str(own),))
    transport = msgspec.structs.replace(options["transport"], termination_delay=-1)
    route(proxy, "tcp", ANYTHING, service_options={**options, "transport": transport})
    with connect(ports["tcp"]) as client:
        client.sendall(b"x" * 200_000)
        client.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b"200000"


def test_the_proxy_header_comes_before_tls(
    proxy: Proxy, ports: dict[str, int], tmp_path: Path, server: Start
) -> None:
    own = write_certificate(tmp_path / "own.pem", "DNS:localhost")
    context = server_context(own)

    def handle(connection: socket.socket) -> None:
        line = b""
        while not line.endswith(b"\r\n"):
            line += connection.recv(1)
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.sendall(line)

    options = tls_service("localhost", server(handle).port, root_cas=(str(own),))
    transport = msgspec.structs.replace(options["transport"], proxy_protocol=1)
    route(proxy, "tcp", ANYTHING, service_options={**options, "transport": transport})
    with connect(ports["tcp"]) as client:
        assert receive_all(client).startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")


def test_a_certificate_that_cannot_be_read_closes_the_service(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    running = server(announce(b"s"))
    options = tls_service(
        "localhost",
        running.port,
        insecure_skip_verify=True,
        certificate=ClientCertificate("/nowhere/cert.pem", "/nowhere/key.pem"),
    )
    name = route(proxy, "tcp", ANYTHING, service_options=options)
    assert reached(ports["tcp"]) == b""
    assert running.accepted == 0
    proxy.process.wait_for_line(f"TCP service {name} takes no connections: its serversTransport t@x")


@pytest.mark.parametrize("place", ["service", "transport"])
def test_a_service_that_is_not_served_is_closed(
    place: str, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    running = server(announce(b"s"))
    reason: dict[str, object] = {"unserved": "its option spiffe is not served"}
    if place == "transport":
        reason = {"transport": TcpServersTransport("t@x", unserved="its option spiffe is not served")}
    name = route(proxy, "tcp", ANYTHING, running.port, service_options=reason)
    assert reached(ports["tcp"]) == b""
    assert running.accepted == 0
    proxy.process.wait_for_line(f"TCP service {name} takes no connections: its option spiffe is not served")


def test_connections_go_to_members_by_weight(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    for name in (b"a", b"b"):
        proxy.tcp_services[name.decode()] = service(name.decode(), server(announce(name)).port)
    members = (Member("a", 2), Member("b", 1), Member("none", 0))
    route(proxy, "tcp", ANYTHING, service_options={"members": members})
    seen = b"".join(reached(ports["tcp"]) for _ in range(9))
    assert sorted(seen) == sorted(b"aaaaaabbb")


def test_a_member_without_servers_is_skipped(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    proxy.tcp_services["a"] = service("a", server(announce(b"a")).port)
    proxy.tcp_services["empty"] = service("empty")
    proxy.tcp_services["inner"] = service("inner", members=(Member("empty"), Member("inner")))
    members = (Member("a"), Member("inner"), Member("unknown"))
    route(proxy, "tcp", ANYTHING, service_options={"members": members})
    assert b"".join(reached(ports["tcp"]) for _ in range(6)) == b"aaaaaa"


@pytest.mark.parametrize("reason", ["", "its backend does not exist"])
def test_a_member_that_refuses_closes_its_share(
    reason: str, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    proxy.tcp_services["a"] = service("a", server(announce(b"a")).port)
    proxy.tcp_services["refusing"] = service("refusing", refuses=True, unserved=reason)
    route(proxy, "tcp", ANYTHING, service_options={"members": (Member("a", 2), Member("refusing"))})
    seen = [reached(ports["tcp"]) for _ in range(9)]
    assert sorted(seen) == [b""] * 3 + [b"a"] * 6


def test_a_composite_service_that_is_not_served_is_closed(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    proxy.tcp_services["a"] = service("a", server(announce(b"a")).port)
    options = {"members": (Member("a"),), "unserved": "its member b cannot be read"}
    route(proxy, "tcp", ANYTHING, service_options=options)
    assert reached(ports["tcp"]) == b""


def test_a_circle_of_members_closes_the_connection(proxy: Proxy, ports: dict[str, int]) -> None:
    proxy.tcp_services["one"] = service("one", members=(Member("two"),))
    proxy.tcp_services["two"] = service("two", members=(Member("one"),))
    route(proxy, "tcp", ANYTHING, service_options={"members": (Member("one"),)})
    assert reached(ports["tcp"]) == b""


@pytest.mark.parametrize("state", [ServerState.DRAINING, ServerState.DOWN])
def test_a_server_that_drains_or_is_down_gets_no_connections(
    state: ServerState, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    running = [server(announce(name)).port for name in (b"a", b"b")]
    name = route(proxy, "tcp", ANYTHING, *running)
    with connect(ports["tcp"]) as before, connect(ports["tcp"]) as other:
        assert {exactly(before, 1), exactly(other, 1)} == {b"a", b"b"}
        first, second = proxy.tcp_services[name].servers
        changed = msgspec.structs.replace(first, state=state)
        proxy.tcp_services[name] = msgspec.structs.replace(
            proxy.tcp_services[name], servers=(changed, second)
        )
        proxy.publish()
        assert b"".join(reached(ports["tcp"]) for _ in range(4)) == b"bbbb"
        # Open connections go on.
        for client in (before, other):
            client.sendall(b"x")
            assert exactly(client, 1) == b"x"


def test_a_removed_router_leaves_its_connections_open(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    name = route(proxy, "tcp", ANYTHING, server(announce(b"a")).port)
    with connect(ports["tcp"]) as client:
        assert exactly(client, 1) == b"a"
        del proxy.tcp_routers[name], proxy.tcp_services[name]
        proxy.publish()
        client.sendall(b"x")
        assert exactly(client, 1) == b"x"


def test_a_service_that_returns_is_reported(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    # A name that nothing resolves ejects no server, so each connection tries it.
    servers = (TcpServer("s", "host.invalid", 1),)
    name = route(proxy, "tcp", ANYTHING, service_options={"servers": servers})
    for _ in range(3):
        assert reached(ports["tcp"]) == b""
    text = f"TCP service {name}: no server can be reached"
    proxy.process.wait_for_line(text)
    assert proxy.process.log.count(text) == 1
    proxy.tcp_services[name] = service(name, server(announce(b"a")).port)
    proxy.publish()
    assert reached(ports["tcp"]) == b"a"
    proxy.process.wait_for_line(f"TCP service {name}: server tcp://")
