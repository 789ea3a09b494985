"""The counts of TCP connections in `/metrics`, by router, service and server."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rondpoint.model import Middleware
from rondpoint.tcp.model import TcpServersTransport
from tests.lab import http
from tests.lab.ports import free_port
from tests.lab.tcp_server import Handler, announce, echo
from tests.lab.tcp_server import TcpServer as Running
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy, watched
from tests.proxy.tcp.routing import ANYTHING, connect, connect_tls, exactly, receive_all, route, service

Start = Callable[[Handler], Running]
Samples = dict[str, float]

PORT = free_port()
PATIENT = TcpServersTransport("patient@x", termination_delay=-1)


@pytest.fixture(scope="module")
def counting_proxy() -> Iterator[Proxy]:
    flags = (
        f"--entryPoints.tcp.address=127.0.0.1:{PORT}",
        "--metrics.prometheus.addRoutersLabels",
    )
    with lone_proxy(*flags) as proxy:
        yield proxy


@pytest.fixture
def proxy(counting_proxy: Proxy) -> Iterator[Proxy]:
    yield from watched(counting_proxy)


def page(proxy: Proxy) -> Samples:
    """Return the samples about TCP; the labels of a name are its values, in alphabetical order of labels."""
    try:
        text = http.request(proxy.admin, "localhost", "/metrics").text
    except (OSError, HTTPException):
        # The worker was killed, and its successor does not serve yet.
        return {}
    return {
        " ".join(
            (
                sample.name.removeprefix("rondpoint_tcp_"),
                *(sample.labels[each] for each in sorted(sample.labels)),
            )
        ): (sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("rondpoint_tcp_")
    }


def wait_for(proxy: Proxy, expected: Samples) -> None:
    def shown() -> bool:
        found = page(proxy)
        last.clear()
        last.update({name: found.get(name, -1) for name in expected})
        return last == expected

    last: Samples = {}
    try:
        until(shown, "the metrics")
    except AssertionError:
        raise AssertionError(f"{last} instead of {expected}") from None


def at_router(name: str, outcome: str) -> str:
    return f"router_connections_total {outcome} {name} {name}"


def test_a_connection_counts_from_its_begin_and_its_bytes_while_it_is_open(
    proxy: Proxy, server: Start
) -> None:
    running = server(announce(b"hello"))
    name = route(proxy, "tcp", ANYTHING, running.port)
    url = f"tcp://127.0.0.1:{running.port}"
    with connect(PORT) as client:
        assert exactly(client, 5) == b"hello"
        client.sendall(b"abc")
        assert exactly(client, 3) == b"abc"
        wait_for(
            proxy,
            {
                at_router(name, "forwarded"): 1,
                f"router_open_connections {name} {name}": 1,
                f"router_received_bytes_total {name} {name}": 3,
                f"router_sent_bytes_total {name} {name}": 8,
                f"service_connections_total forwarded {name}": 1,
                f"service_open_connections {name}": 1,
                f"service_received_bytes_total {name}": 3,
                f"service_sent_bytes_total {name}": 8,
                f"server_connections_total {name} {url}": 1,
                f"server_open_connections {name} {url}": 1,
                f"server_failures_total {name} {url}": 0,
            },
        )
        client.sendall(b"d")
        assert exactly(client, 1) == b"d"
    wait_for(
        proxy,
        {
            at_router(name, "forwarded"): 1,
            at_router(name, "aborted"): 0,
            f"router_open_connections {name} {name}": 0,
            f"service_received_bytes_total {name}": 4,
            f"service_sent_bytes_total {name}": 9,
            f"server_open_connections {name} {url}": 0,
        },
    )


def test_spliced_bytes_count(proxy: Proxy, server: Start) -> None:
    size = 8 << 20

    def send(connection: socket.socket) -> None:
        connection.sendall(bytes(size))

    name = route(proxy, "tcp", ANYTHING, server(send).port, service_options={"transport": PATIENT})
    with connect(PORT) as client:
        client.shutdown(socket.SHUT_WR)
        assert len(receive_all(client)) == size
    wait_for(proxy, {f"service_sent_bytes_total {name}": size, f"service_received_bytes_total {name}": 0})


def test_what_a_middleware_refuses_does_not_reach_the_service(proxy: Proxy, server: Start) -> None:
    refusing = Middleware("m@x", "ipAllowList", {"sourceRange": ["10.0.0.0/8"]})
    name = route(proxy, "tcp", ANYTHING, server(echo).port, middlewares=(refusing,))
    with connect(PORT) as client:
        assert receive_all(client) == b""
    wait_for(
        proxy,
        {
            at_router(name, "refused"): 1,
            at_router(name, "forwarded"): 0,
            f"service_connections_total failed {name}": 0,
        },
    )


def test_a_middleware_that_cannot_be_applied_refuses(proxy: Proxy, server: Start) -> None:
    name = route(
        proxy,
        "tcp",
        ANYTHING,
        server(echo).port,
        middlewares=(Middleware("m@x", "ipAllowList", {}, unusable=True),),
    )
    with connect(PORT) as client:
        assert receive_all(client) == b""
    wait_for(proxy, {at_router(name, "refused"): 1, at_router(name, "failed"): 0})


def test_failed_dials_count_at_their_servers(proxy: Proxy, server: Start) -> None:
    dead = free_port()
    name = route(proxy, "tcp", ANYTHING, dead)
    with connect(PORT) as client:
        assert receive_all(client) == b""
    failures = f"server_failures_total {name} tcp://127.0.0.1:{dead}"
    wait_for(
        proxy, {at_router(name, "failed"): 1, f"service_connections_total failed {name}": 1, failures: 1}
    )


def test_a_service_without_servers_fails_the_connection(proxy: Proxy) -> None:
    name = route(proxy, "tcp", ANYTHING)
    with connect(PORT) as client:
        assert receive_all(client) == b""
    wait_for(proxy, {at_router(name, "failed"): 1, f"router_open_connections {name} {name}": 0})


def test_a_failed_handshake_aborts_the_connection(proxy: Proxy, server: Start) -> None:
    name = route(proxy, "tcp", ANYTHING, server(echo).port, tls=True)
    # The proxy offers other protocols.
    with pytest.raises(ssl.SSLError):
        connect_tls(PORT, None, alpn=("other",))
    wait_for(proxy, {at_router(name, "aborted"): 1, at_router(name, "forwarded"): 0})


def test_counts_of_a_removed_router_stay_at_its_service(proxy: Proxy, server: Start) -> None:
    name = route(proxy, "tcp", ANYTHING, server(announce(b"a")).port)
    with connect(PORT) as client, connect(PORT) as other:
        assert exactly(client, 1) == exactly(other, 1) == b"a"
        other.close()
        wait_for(proxy, {f"router_open_connections {name} {name}": 1})
        del proxy.tcp_routers[name]
        proxy.publish()
        wait_for(
            proxy,
            {f"service_connections_total forwarded {name}": 2, f"service_open_connections {name}": 1},
        )
        assert at_router(name, "forwarded") not in page(proxy)
        client.sendall(b"bc")
        assert exactly(client, 2) == b"bc"
    wait_for(
        proxy,
        {
            f"service_connections_total forwarded {name}": 2,
            f"service_open_connections {name}": 0,
            f"service_sent_bytes_total {name}": 4,
        },
    )


def test_a_server_that_returns_while_an_old_connection_is_open_counts_it(proxy: Proxy, server: Start) -> None:
    running = server(announce(b"a"))
    name = route(proxy, "tcp", ANYTHING, running.port)
    url = f"tcp://127.0.0.1:{running.port}"
    with connect(PORT) as client:
        assert exactly(client, 1) == b"a"
        wait_for(proxy, {f"server_open_connections {name} {url}": 1})
        proxy.tcp_services[name] = service(name)
        proxy.publish()
        assert f"server_open_connections {name} {url}" not in page(proxy)
        proxy.tcp_services[name] = service(name, running.port)
        proxy.publish()
        wait_for(proxy, {f"server_open_connections {name} {url}": 1})
    wait_for(proxy, {f"server_open_connections {name} {url}": 0})


def test_the_counts_of_a_killed_worker_stay_but_not_its_open_connections(server: Start) -> None:
    port = free_port()
    with lone_proxy(
        f"--entryPoints.tcp.address=127.0.0.1:{port}", "--metrics.prometheus.addRoutersLabels"
    ) as proxy:
        name = route(proxy, "tcp", ANYTHING, server(announce(b"abc")).port)
        counts = {
            at_router(name, "forwarded"): 1.0,
            f"router_open_connections {name} {name}": 1.0,
            f"service_sent_bytes_total {name}": 3.0,
        }
        with connect(port) as client:
            assert exactly(client, 3) == b"abc"
            wait_for(proxy, counts)
            (worker,) = re.findall(r"Booting worker with pid: (\d+)", proxy.process.log)
            os.kill(int(worker), signal.SIGKILL)
            with suppress(ConnectionResetError):
                assert receive_all(client) == b""
        wait_for(proxy, {**counts, f"router_open_connections {name} {name}": 0})
