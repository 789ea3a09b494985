"""A worker bounds its sessions, and open ones are not affected by a flood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rondpoint.udp.model import UdpServer
from tests.lab import http
from tests.lab.ports import free_port
from tests.lab.udp import UdpClient, UdpEcho, bound_ports, clients
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.udp.publishing import UdpRoutes

PORT = free_port()
CAPACITY = 20
ROUTER_SESSIONS = "rondpoint_udp_router_sessions_total"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with lone_proxy(
        f"--entryPoints.udp.address=127.0.0.1:{PORT}/udp",
        "--entryPoints.udp.udp.timeout=1h",
        f"--limits.udpSessions={CAPACITY}",
        "--metrics.prometheus",
        "--metrics.prometheus.entryPoint=traefik",
        "--metrics.prometheus.addRoutersLabels",
    ) as proxy:
        yield proxy


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def metric(proxy: Proxy, name: str) -> float:
    text = http.request(proxy.admin, "localhost", "/metrics").text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_further_sessions_are_refused_and_counted(proxy: Proxy, stack: ExitStack) -> None:
    routes = UdpRoutes(proxy)
    stack.callback(routes.withdraw)
    name = routes.route(stack.enter_context(UdpEcho("a")))
    old = clients(PORT, CAPACITY, stack)
    assert {client.server() for client in old} == {"a"}
    before = bound_ports(worker(proxy))
    flood = clients(PORT, 5 * CAPACITY, stack)
    for client in flood:
        client.send(b"refused")
    assert {client.server() for client in old} == {"a"}
    assert bound_ports(worker(proxy)) == before
    until(
        lambda: metric(proxy, 'rondpoint_udp_sessions_total{outcome="refused"}') == 5 * CAPACITY,
        "the refused sessions in the metrics",
    )
    assert metric(proxy, 'traefik_open_connections{entrypoint="udp",protocol="UDP"}') == CAPACITY
    assert proxy.process.log.count("refuses new ones") == 1
    assert (
        metric(proxy, f'{ROUTER_SESSIONS}{{outcome="forwarded",router="{name}",service="{name}"}}')
        == CAPACITY
    )
    assert (
        metric(proxy, f'{ROUTER_SESSIONS}{{outcome="refused",router="{name}",service="{name}"}}')
        == 5 * CAPACITY
    )
    assert metric(proxy, f'rondpoint_udp_service_open_sessions{{service="{name}"}}') == CAPACITY
    # The end of sessions makes room.
    other = stack.enter_context(UdpEcho("b"))
    routes.change(name, servers=(UdpServer("b", other.host, other.port),))
    assert stack.enter_context(UdpClient(PORT)).server() == "b"


def worker(proxy: Proxy) -> int:
    (pid,) = re.findall(r"Booting worker with pid: (\d+)", proxy.process.log)
    return int(pid)
