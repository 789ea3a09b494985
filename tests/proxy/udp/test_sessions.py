"""Sessions of one worker, over real sockets."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rondpoint.model import Member, ServerState
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService
from tests.lab.ports import free_port
from tests.lab.udp import UdpClient, UdpEcho, bound_ports, clients
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.udp.publishing import UdpRoutes, udp_server

UDP, ALL, SHORT, CLOSED = (free_port() for _ in range(4))


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    flags = (
        f"--entryPoints.udp.address=127.0.0.1:{UDP}/udp",
        f"--entryPoints.all.address=:{ALL}/udp",
        f"--entryPoints.short.address=127.0.0.1:{SHORT}/udp",
        "--entryPoints.short.udp.timeout=200ms",
        "--entryPoints.udp.udp.timeout=1h",
        f"--entryPoints.closed.address=127.0.0.1:{CLOSED}/udp",
        # A guard that is not served closes the entry point.
        "--entryPoints.closed.clientIPStrategy.depth=1",
    )
    with lone_proxy(*flags) as proxy:
        yield proxy


@pytest.fixture
def routes(proxy: Proxy) -> Iterator[UdpRoutes]:
    before = len(proxy.process.log)
    routes = UdpRoutes(proxy)
    yield routes
    routes.services.clear()
    routes.routers.clear()
    routes.publish()
    routes.close()
    log = proxy.process.log[before:]
    assert "Traceback" not in log, log


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def echoes(stack: ExitStack, *names: str) -> list[UdpEcho]:
    return [stack.enter_context(UdpEcho(name)) for name in names]


def test_a_session_keeps_its_server_and_its_socket(routes: UdpRoutes, stack: ExitStack) -> None:
    routes.route(*echoes(stack, "a", "b", "c"))
    client = stack.enter_context(UdpClient(UDP))
    first = client.ask(b"1").split()[:2]
    assert [client.ask(b"%d" % number).split()[:2] for number in range(10)] == [first] * 10


def test_sessions_go_to_servers_in_turn(routes: UdpRoutes, stack: ExitStack) -> None:
    routes.route(*echoes(stack, "a", "b", "c"))
    found = [client.server() for client in clients(UDP, 9, stack)]
    assert Counter(found) == {"a": 3, "b": 3, "c": 3}
    assert len(set(found[:3])) == 3


def test_clients_get_only_replies_to_their_own_datagrams(routes: UdpRoutes, stack: ExitStack) -> None:
    routes.route(*echoes(stack, "a"))
    asking = clients(UDP, 20, stack)
    for number, client in enumerate(asking):
        client.send(b"from %d" % number)
    for number, client in enumerate(asking):
        assert client.receive().endswith(b"from %d" % number)


def test_a_client_that_asks_two_addresses_gets_a_reply_from_each(routes: UdpRoutes, stack: ExitStack) -> None:
    routes.route(*echoes(stack, "a"), entry_point="all")
    client = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    client.settimeout(5)
    asked = {("127.0.0.1", ALL): b"one", ("127.0.0.2", ALL): b"two"}
    for _ in range(2):
        # Both are on their way before the first reply.
        for address, datagram in asked.items():
            client.sendto(datagram, address)
        replies = [client.recvfrom(100) for _ in asked]
        assert {address: reply.split()[-1] for reply, address in replies} == asked


def test_all_sizes_of_datagrams(routes: UdpRoutes, stack: ExitStack) -> None:
    routes.route(*echoes(stack, "a"))
    client = stack.enter_context(UdpClient(UDP))
    for size in (0, 1, 1472, 9000, 65_400):
        datagram = b"x" * size
        assert client.server(datagram) == "a"


def test_datagrams_of_a_burst_are_one_session(routes: UdpRoutes, stack: ExitStack) -> None:
    servers = echoes(stack, "a", "b")
    routes.route(*servers)
    client = stack.enter_context(UdpClient(UDP))
    for number in range(10):
        client.send(b"%d" % number)
    replies = [client.receive() for _ in range(10)]
    assert len({tuple(reply.split()[:2]) for reply in replies}) == 1


def test_a_server_may_send_first_and_often(routes: UdpRoutes, stack: ExitStack) -> None:
    port = free_port()
    server = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    server.bind(("127.0.0.1", port))
    server.settimeout(5)
    routes.services["own@test"] = UdpService("own@test", (UdpServer("own", "127.0.0.1", port),))
    routes.routers["own@test"] = UdpRouter("own@test", "own@test", ("udp",))
    routes.publish()
    client = stack.enter_context(UdpClient(UDP))
    client.send(b"subscribe")
    datagram, proxy_address = server.recvfrom(100)
    assert datagram == b"subscribe"
    for number in range(50):
        server.sendto(b"%d" % number, proxy_address)
    assert [client.receive() for _ in range(50)] == [b"%d" % number for number in range(50)]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "::1"])
def test_replies_come_from_the_address_that_the_client_used(
    host: str, routes: UdpRoutes, stack: ExitStack
) -> None:
    routes.route(*echoes(stack, "a"), entry_point="all")
    # The client's socket is connected, and takes replies from no other address.
    assert stack.enter_context(UdpClient(ALL, host)).server() == "a"


def test_a_server_may_have_an_ipv6_address_or_a_name(routes: UdpRoutes, stack: ExitStack) -> None:
    six = stack.enter_context(UdpEcho("six", "::1"))
    name = routes.route(six)
    assert stack.enter_context(UdpClient(UDP)).server() == "six"
    four = stack.enter_context(UdpEcho("four"))
    routes.change(name, servers=(UdpServer("four", "localhost", four.port),))
    assert stack.enter_context(UdpClient(UDP)).server() == "four"


@pytest.mark.parametrize(("host", "port"), [("a..b", 53), ("127.0.0.1", 99_999)])
def test_a_server_that_cannot_be_reached_is_avoided(
    host: str, port: int, routes: UdpRoutes, stack: ExitStack
) -> None:
    (a,) = echoes(stack, "a")
    name = routes.route(a)
    routes.change(name, servers=(udp_server(a), UdpServer("broken", host, port)))
    # The first of its sessions is lost, and a warning says why.
    for client in clients(UDP, 2, stack):
        client.send(b"silent")
    until(lambda: len(a.received) == 1, "the other session")
    assert [client.server() for client in clients(UDP, 6, stack)] == ["a"] * 6


def test_a_silent_session_ends(routes: UdpRoutes, stack: ExitStack) -> None:
    routes.route(*echoes(stack, "a"), entry_point="short")
    client = stack.enter_context(UdpClient(SHORT))
    source = client.source()
    assert source in bound_ports()
    until(lambda: source not in bound_ports(), "the end of the session")
    assert client.server() == "a"


def test_weights_of_members(routes: UdpRoutes, stack: ExitStack) -> None:
    three, one = echoes(stack, "three", "one")
    routes.services["three@test"] = UdpService("three@test", (udp_server(three),))
    routes.services["one@test"] = UdpService("one@test", (udp_server(one),))
    members = (Member("three@test", 3), Member("one@test", 1), Member("absent@test", 5))
    routes.services["both@test"] = UdpService("both@test", members=members)
    routes.routers["both@test"] = UdpRouter("both@test", "both@test")
    routes.publish()
    # Tickets of a service without servers go to the next member.
    found = Counter(client.server() for client in clients(UDP, 18, stack))
    assert found["three"] > found["one"] >= 2


@pytest.mark.parametrize("state", [ServerState.DRAINING, ServerState.DOWN])
def test_a_server_that_is_not_up_gets_no_new_session(
    state: ServerState, routes: UdpRoutes, stack: ExitStack
) -> None:
    a, b = echoes(stack, "a", "b")
    name = routes.route(a, b)
    old = clients(UDP, 2, stack)
    before = [client.server() for client in old]
    assert sorted(before) == ["a", "b"]
    leaving = UdpServer("a", a.host, a.port, state)
    routes.change(name, servers=(leaving, udp_server(b)))
    assert {client.server() for client in clients(UDP, 6, stack)} == {"b"}
    after = [client.server() for client in old]
    assert after == (before if state is ServerState.DRAINING else ["b", "b"])


def test_sessions_of_a_removed_server_go_to_another_one(routes: UdpRoutes, stack: ExitStack) -> None:
    a, b = echoes(stack, "a", "b")
    name = routes.route(a, b)
    old = clients(UDP, 4, stack)
    sources = {client.server(): client.source() for client in old}
    routes.change(name, servers=(udp_server(b),))
    assert [client.server() for client in old] == ["b"] * 4
    # Sessions with the server that stays go on.
    assert sources["b"] in {client.source() for client in old}


def test_another_router_takes_the_sessions(routes: UdpRoutes, stack: ExitStack) -> None:
    a, b = echoes(stack, "a", "b")
    client = stack.enter_context(UdpClient(UDP))
    routes.route(b, name="second@test")
    assert client.server() == "b"
    routes.route(a, name="first@test")
    assert client.server() == "a"
    del routes.routers["first@test"]
    routes.publish()
    assert client.server() == "b"


def test_datagrams_without_a_router_or_server_are_dropped(routes: UdpRoutes, stack: ExitStack) -> None:
    (a,) = echoes(stack, "a")
    client = stack.enter_context(UdpClient(UDP))
    client.send(b"no router")
    name = routes.route()
    client.send(b"no server")
    routes.change(name, servers=(udp_server(a),), unserved="an option is not served")
    client.send(b"unserved")
    routes.change(name, unserved="")
    assert client.server(b"served") == "a"
    assert a.received == [b"served"]


def test_a_closed_entry_point_serves_nobody(routes: UdpRoutes, stack: ExitStack) -> None:
    (a,) = echoes(stack, "a")
    routes.services["all@test"] = UdpService("all@test", (udp_server(a),))
    routes.routers["all@test"] = UdpRouter("all@test", "all@test")
    routes.publish()
    stack.enter_context(UdpClient(CLOSED)).send(b"closed")
    assert stack.enter_context(UdpClient(UDP)).server(b"open") == "a"
    assert a.received == [b"open"]


def test_a_dead_server_loses_its_sessions(routes: UdpRoutes, stack: ExitStack) -> None:
    a, b = echoes(stack, "a", "b")
    routes.route(a, b)
    old = clients(UDP, 4, stack)
    assert {client.server() for client in old} == {"a", "b"}
    a.stop()
    for client in old:
        # The first datagram brings the error, unless another session has brought it before.
        client.send(b"silent")
    until(lambda: b.received.count(b"silent") >= 2, "datagrams at the other server")
    assert [client.server() for client in old] == ["b"] * 4
    assert [client.server() for client in clients(UDP, 4, stack)] == ["b"] * 4
