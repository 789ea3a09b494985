"""Middlewares of TCP routers: they admit connections, or close them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rondpoint.model import Middleware
from tests.lab.tcp_server import Handler, TcpServer, announce
from tests.lab.waiting import until
from tests.proxy.running import Proxy
from tests.proxy.tcp.routing import ANYTHING, connect, exactly, receive_all, route

Start = Callable[[Handler], TcpServer]


def reached(port: int, header: bytes = b"") -> bytes:
    with connect(port) as client:
        client.sendall(header)
        return exactly(client, 1)


@pytest.mark.parametrize("kind", ["ipAllowList", "ipWhiteList"])
def test_only_allowed_clients_reach_the_server(
    kind: str, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    running = server(announce(b"a"))
    allowed = Middleware("m@x", kind, {"sourceRange": ["10.0.0.0/8", "2001:db8::1"]})
    route(proxy, "framed", ANYTHING, running.port, middlewares=(allowed,))
    assert reached(ports["framed"], b"PROXY UNKNOWN\r\n") == b""
    assert reached(ports["framed"], b"PROXY TCP4 10.1.2.3 127.0.0.1 1 2\r\n") == b"a"
    assert reached(ports["framed"], b"PROXY TCP4 11.1.2.3 127.0.0.1 1 2\r\n") == b""
    assert reached(ports["framed"], b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n") == b"a"
    assert running.accepted == 2


def test_a_client_has_as_many_connections_as_the_limit_says(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    running = server(announce(b"a"))
    limit = Middleware("m@x", "inFlightConn", {"amount": 2})
    route(proxy, "framed", ANYTHING, running.port, middlewares=(limit,))
    with connect(ports["framed"]) as one, connect(ports["framed"]) as two:
        for client in (one, two):
            client.sendall(b"PROXY UNKNOWN\r\n")
            assert exactly(client, 1) == b"a"
        assert reached(ports["framed"], b"PROXY UNKNOWN\r\n") == b""
        # Another client.
        assert reached(ports["framed"], b"PROXY TCP4 10.1.2.3 127.0.0.1 1 2\r\n") == b"a"
        one.close()
        until(lambda: reached(ports["framed"], b"PROXY UNKNOWN\r\n") == b"a", "a free slot")


@pytest.mark.parametrize(
    "middleware",
    [
        Middleware("m@x", "ipAllowList", {}, unusable=True),
        Middleware("m@x", "ipAllowList", {}),
        Middleware("m@x", "ipAllowList", {"sourceRange": []}),
        Middleware("m@x", "ipAllowList", {"sourceRange": ["nonsense"]}),
        Middleware("m@x", "inFlightConn", {"amount": "many"}),
        Middleware("m@x", "inFlightConn", {"amount": 0}),
        Middleware("m@x", "basicAuth", {"users": ["a:b"]}),
    ],
    ids=lambda each: f"{each.kind} {each.options}",
)
def test_a_middleware_that_cannot_be_applied_closes_the_router(
    middleware: Middleware, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    running = server(announce(b"a"))
    route(proxy, "tcp", ANYTHING, running.port, middlewares=(middleware,))
    with connect(ports["tcp"]) as client:
        assert receive_all(client) == b""
    assert running.accepted == 0


def test_an_unknown_middleware_closes_the_router(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    running = server(announce(b"a"))
    known = Middleware("m@x", "ipAllowList", {"sourceRange": ["127.0.0.1"]})
    name = route(proxy, "tcp", ANYTHING, running.port, middlewares=(known,))
    assert reached(ports["tcp"]) == b"a"
    del proxy.tcp_middlewares["m@x"]
    # An HTTP middleware of that name is another one.
    proxy.middlewares["m@x"] = known
    proxy.publish()
    assert reached(ports["tcp"]) == b""
    proxy.process.wait_for_line(f"TCP router {name} takes no connections: TCP middleware m@x does not exist")
