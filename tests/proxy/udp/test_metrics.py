"""The counts of UDP sessions in `/metrics`, by service and server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rondpoint.model import ServerState
from rondpoint.udp.model import UdpServer
from tests.lab import http
from tests.lab.ports import free_port
from tests.lab.udp import UdpClient, UdpEcho
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.udp.publishing import UdpRoutes

PORT = free_port()


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with lone_proxy(
        f"--entryPoints.udp.address=127.0.0.1:{PORT}/udp",
        "--entryPoints.udp.udp.timeout=1h",
        "--metrics.prometheus",
    ) as proxy:
        yield proxy


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def routes(proxy: Proxy) -> Iterator[UdpRoutes]:
    routes = UdpRoutes(proxy)
    yield routes
    routes.withdraw()
    assert "Traceback" not in proxy.process.log


def values(proxy: Proxy) -> dict[str, float]:
    text = http.request(proxy.admin, "localhost", "/metrics").text
    return {
        " ".join((sample.name, *(sample.labels[each] for each in sorted(sample.labels)))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("rondpoint_udp_")
    }


def wait_for(proxy: Proxy, expected: dict[str, float]) -> None:
    until(lambda: expected.items() <= values(proxy).items(), f"the metrics {expected}")


def test_sessions_and_their_bytes_count_at_service_and_server(
    proxy: Proxy, routes: UdpRoutes, stack: ExitStack
) -> None:
    echo = stack.enter_context(UdpEcho("a"))
    name = routes.route(echo, name="counted@test")
    client = stack.enter_context(UdpClient(PORT))
    client.send(b"12345")
    reply = client.receive()
    url = f"udp://{echo.host}:{echo.port}"
    wait_for(
        proxy,
        {
            f"rondpoint_udp_service_sessions_total forwarded {name}": 1,
            f"rondpoint_udp_service_open_sessions {name}": 1,
            f"rondpoint_udp_service_received_bytes_total {name}": 5,
            f"rondpoint_udp_service_sent_bytes_total {name}": len(reply),
            f"rondpoint_udp_server_sessions_total {name} {url}": 1,
            f"rondpoint_udp_server_open_sessions {name} {url}": 1,
        },
    )
    # A server that is down ends its sessions.
    down = UdpServer(echo.name, echo.host, echo.port, ServerState.DOWN)
    routes.change(name, servers=(down,))
    wait_for(
        proxy,
        {
            f"rondpoint_udp_service_sessions_total forwarded {name}": 1,
            f"rondpoint_udp_service_open_sessions {name}": 0,
            f"rondpoint_udp_server_open_sessions {name} {url}": 0,
        },
    )


def test_datagrams_without_a_server_count_at_the_service(
    proxy: Proxy, routes: UdpRoutes, stack: ExitStack
) -> None:
    name = routes.route(name="empty@test")
    client = stack.enter_context(UdpClient(PORT))
    for _ in range(3):
        client.send(b"lost")
    wait_for(proxy, {f"rondpoint_udp_service_dropped_datagrams_total {name}": 3})


def test_a_server_that_refuses_datagrams_fails(proxy: Proxy, routes: UdpRoutes, stack: ExitStack) -> None:
    dead = UdpServer("dead", "127.0.0.1", free_port())
    name = routes.route(name="dead@test")
    routes.change(name, servers=(dead,))
    stack.enter_context(UdpClient(PORT)).send(b"refused by its machine")
    wait_for(
        proxy,
        {
            f"rondpoint_udp_server_failures_total {name} udp://{dead.address}": 1,
            f"rondpoint_udp_service_open_sessions {name}": 0,
        },
    )
