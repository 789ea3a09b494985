"""Labels for TCP and UDP."""

from __future__ import annotations

from typing import Any

import pytest

from discovery.decoding.decoded import Decoded
from discovery.labels import decode
from discovery.labels.container import Binding
from discovery.merging.union import unite
from rondpoint.diagnostics import Severity
from rondpoint.model import Middleware, ServerState
from rondpoint.rules.tcp import parse
from rondpoint.tcp.model import TcpHealthCheck, TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService
from tests.discovery.labels.containers import OPTIONS, WITH_DOMAIN, compose, container, label_options

ALL = {"tcp.routers.db.rule": "HostSNI(`*`)", "tcp.routers.db.entrypoints": "postgres"}
DNS = {"udp.routers.dns.entrypoints": "dns"}


def labels(given: dict[str, str]) -> dict[str, str]:
    return {f"traefik.{name}": value for name, value in given.items()}


def decoded(given: dict[str, str], name: str = "web", **container_fields: Any) -> Decoded:
    return decode(container(name, labels(given), **container_fields), OPTIONS)


def test_a_router_gets_the_lowest_exposed_port_and_the_containers_name() -> None:
    found = decoded(ALL, ports=(5432, 9000))
    assert found.tcp_routers == (
        TcpRouter("db@docker", parse("HostSNI(`*`)"), "web@docker", -1, ("postgres",)),
    )
    assert found.tcp_services == (TcpService("web@docker", (TcpServer("web", "172.17.0.2", 5432),)),)
    assert (found.routers, found.services, found.diagnostics) == ((), (), ())


def test_all_options_of_a_service_are_read() -> None:
    service = "tcp.services.db.loadbalancer"
    given = {
        "tcp.routers.db.rule": "HostSNI(`db.test`)",
        "tcp.routers.db.tls.passthrough": "true",
        "tcp.routers.db.middlewares": "lan,other@file",
        f"{service}.server.port": "5432",
        f"{service}.server.tls": "true",
        f"{service}.proxyprotocol.version": "1",
        f"{service}.terminationdelay": "250",
        f"{service}.healthcheck.send": "PING",
        f"{service}.healthcheck.interval": "10s",
        "tcp.middlewares.lan.ipallowlist.sourcerange": "10.0.0.0/8, ::1",
    }
    found = decoded(given)
    assert found.diagnostics == ()
    (router,) = found.tcp_routers
    assert (router.tls, router.passthrough, router.middlewares) == (True, True, ("lan@docker", "other@file"))
    assert found.tcp_services == (
        TcpService(
            "db@docker",
            (TcpServer("web", "172.17.0.2", 5432, tls=True),),
            TcpHealthCheck(send="PING", interval=10.0),
            transport=TcpServersTransport("", termination_delay=0.25, proxy_protocol=1),
        ),
    )
    ranges = {"sourceRange": ["10.0.0.0/8", "::1/128"]}
    assert found.tcp_middlewares == (Middleware("lan@docker", "ipAllowList", ranges),)


def test_a_named_transport_replaces_that_of_the_service() -> None:
    found = decoded({**ALL, "tcp.services.db.loadbalancer.serverstransport": "own@file"})
    assert (found.tcp_services[0].servers_transport, found.tcp_services[0].transport) == ("own@file", None)


def test_udp_uses_udp_ports_and_their_bindings() -> None:
    found = decoded(DNS, ports=(22,), udp_ports=(53, 5353))
    assert found.udp_routers == (UdpRouter("dns@docker", "web@docker", ("dns",)),)
    assert found.udp_services == (UdpService("web@docker", (UdpServer("web", "172.17.0.2", 53),)),)
    bound = container("web", labels(DNS), udp_ports=(53,), udp_bindings={53: (Binding("10.9.9.9", 5300),)})
    found = decode(bound, label_options(use_bind_port_ip=True))
    assert found.udp_services[0].servers == (UdpServer("web", "10.9.9.9", 5300),)


def test_a_source_that_does_not_tell_protocols_gives_udp_its_only_port() -> None:
    found = decoded({**DNS, "udp.services.dns.loadbalancer.server.port": "53"}, ports=(80,))
    assert found.udp_services[0].servers[0].port == 53
    assert decoded(DNS, ports=(80,)).udp_services[0].servers[0].port == 80


@pytest.mark.parametrize("options", [OPTIONS, WITH_DOMAIN])
@pytest.mark.parametrize(
    "given",
    [
        ALL,
        DNS,
        {"tcp.services.s.loadbalancer.server.port": "1"},
        {"udp.services.s.loadbalancer.server.port": "1"},
        {"tcp.router.r.rule": "HostSNI(`*`)"},
    ],
)
def test_such_labels_alone_give_no_router_for_http(given: dict[str, str], options: Any) -> None:
    found = decode(container("web", labels(given)), options)
    assert (found.routers, found.services) == ((), ())


def test_beside_http_labels_and_beside_middlewares_alone_there_is_one() -> None:
    http = decoded({**ALL, "http.routers.w.rule": "Host(`w.test`)"})
    assert [router.name for router in (*http.routers, *http.tcp_routers)] == ["w@docker", "db@docker"]
    middleware = decoded({"tcp.middlewares.m.inflightconn.amount": "5"})
    assert [router.name for router in middleware.routers] == ["web@docker"]
    assert [each.name for each in middleware.tcp_middlewares] == ["m@docker"]


def test_labels_of_traefik_1_stay_in_force_beside_them() -> None:
    found = decoded({**ALL, "frontend.rule": "Host:w.test", "port": "80"})
    assert ([each.rule.text for each in found.routers], len(found.tcp_routers)) == (["Host:w.test"], 1)


def test_a_container_without_a_port_is_reported_and_its_http_routes_stay() -> None:
    url = {"http.services.w.loadbalancer.server.url": "http://10.0.0.1:80"}
    found = decoded({**ALL, **DNS, **url}, ports=())
    assert (found.tcp_routers, found.udp_routers, len(found.routers)) == ((), (), 1)
    assert [(each.severity, each.message) for each in found.diagnostics] == [
        (Severity.ERROR, "not routed over TCP: it exposes no port"),
        (Severity.ERROR, "not routed over UDP: it exposes no port"),
    ]
    assert found.diagnostics[0].hint == (
        "expose one, or set label traefik.tcp.services.web.loadBalancer.server.port; "
        "it would serve HostSNI(`*`)"
    )


def test_an_invalid_port_is_not_replaced_by_another_one() -> None:
    found = decoded({**ALL, "tcp.services.db.loadbalancer.server.port": "postgres"})
    assert (found.tcp_routers, found.tcp_services) == ((), ())
    assert found.diagnostics[0].hint == "expected a port from 1 to 65535"


def test_a_router_needs_a_rule_and_one_of_several_services() -> None:
    two = {f"tcp.services.{name}.loadbalancer.server.port": "1" for name in ("a", "b")}
    found = decoded({**ALL, **two, "tcp.routers.r.entrypoints": "x"})
    assert found.tcp_routers == ()
    assert [each.message for each in found.diagnostics] == [
        "label traefik.tcp.routers.db names no service",
        "label traefik.tcp.routers.r names no service",
        "label traefik.tcp.routers.r has no rule",
    ]


def test_servers_transports_are_not_read_from_labels() -> None:
    found = decoded({**ALL, "tcp.serverstransports.t.dialtimeout": "1s"})
    assert found.tcp_servers_transports == ()
    assert "traefik.tcp.serverstransports is not served in labels" in found.diagnostics[0].message


def test_a_stopping_container_drains_and_a_stopped_one_keeps_its_routes_without_a_server() -> None:
    draining = decoded({**ALL, **DNS}, draining=True)
    states = [service.servers[0].state for service in (*draining.tcp_services, *draining.udp_services)]
    assert states == [ServerState.DRAINING, ServerState.DRAINING]
    stopped = decoded({**ALL, **DNS, "docker.allownonrunning": "true"}, state="exited")
    assert [service.servers for service in (*stopped.tcp_services, *stopped.udp_services)] == [(), ()]
    assert (len(stopped.tcp_routers), len(stopped.udp_routers)) == (1, 1)


def test_scaled_services_are_united() -> None:
    parts = [
        decode(
            container(f"shop_db_{number}", {**compose("db", number), **labels({**ALL, **DNS})},
                      networks={"n": f"172.17.0.{number}"}),
            OPTIONS,
        )
        for number in (1, 2, 3)
    ]  # fmt: skip
    configuration = unite(parts, "docker")
    assert configuration.diagnostics == ()
    assert [server.host for server in configuration.tcp_services["db-shop@docker"].servers] == [
        "172.17.0.1",
        "172.17.0.2",
        "172.17.0.3",
    ]
    assert len(configuration.udp_services["db-shop@docker"].servers) == 3


def test_containers_that_share_a_router_share_a_service() -> None:
    parts = [decode(container(name, labels({**ALL, **DNS})), OPTIONS) for name in ("one", "two")]
    configuration = unite(parts, "docker")
    assert configuration.tcp_routers["db@docker"].service == "db@docker"
    assert [each.name for each in configuration.tcp_services["db@docker"].servers] == ["one", "two"]
    assert [each.name for each in configuration.udp_services["dns@docker"].servers] == ["one", "two"]
    assert configuration.services == {}
    assert [each.severity for each in configuration.diagnostics] == [Severity.NOTE] * 4


def test_contradictions_are_told_and_nothing_of_them_is_served() -> None:
    def one(name: str, amount: int, rule: str) -> Decoded:
        given = {
            "tcp.routers.db.rule": rule,
            "tcp.middlewares.m.inflightconn.amount": str(amount),
            "tcp.services.db.loadbalancer.terminationdelay": str(amount),
            "udp.routers.dns.entrypoints": name,
        }
        return decode(container(name, labels(given)), OPTIONS)

    found = unite([one("a", 1, "HostSNI(`*`)"), one("b", 2, "ClientIP(`::1`)")], "docker")
    assert (found.tcp_routers, found.tcp_services, found.tcp_middlewares, found.udp_routers) == ({},) * 4
    messages = {each.about: each.message for each in found.diagnostics}
    assert messages.keys() == {
        "TCP router db@docker",
        "TCP middleware m@docker",
        "TCP service db@docker",
        "UDP router dns@docker",
    }
    assert "{'amount': 2} against {'amount': 1}" in messages["TCP middleware m@docker"]
    assert "(traefik.tcp.routers.db) is defined differently" in messages["TCP router db@docker"]
