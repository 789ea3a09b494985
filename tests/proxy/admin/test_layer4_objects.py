"""TCP and UDP objects that cannot serve: their status, and their flow on the dashboard."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from proxy.admin.ejections import ejection_diagnostics
from proxy.admin.layer4_objects import Layer4Objects
from proxy.admin.pages.layer4_flow import MAX_SERVERS, Layer4Sources, tcp_flow, udp_flow
from proxy.admin.pages.request_flow import MAX_SERVICES
from proxy.admin.tcp_faults import TcpFaults
from proxy.admin.transport_faults import tcp_transport_diagnostics
from proxy.admin.views.object_status import WITHOUT_ERRORS, ObjectStatus, active_status, group_by_object
from proxy.admin.views.tcp import left_out_router, router_view, service_view
from proxy.admin.views.udp import UdpRouterView
from proxy.limits.in_flight_limits import InFlightLimits
from proxy.net.deadlines import Sweeper
from proxy.tcp.parts import TcpParts
from proxy.tcp.services import TcpServices
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Member, Middleware, ServersTransport
from rondpoint.rules.expression import Match, Rule
from rondpoint.servers_transports.contexts import ClientContexts
from rondpoint.settings import Settings, load
from rondpoint.store.state import State
from rondpoint.tcp.model import TcpHealthCheck, TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.udp.model import UdpRouter, UdpService
from tests.proxy.admin.layer4_scene import router


def settings(*arguments: str) -> Settings:
    return load(["--entryPoints.web.address=:8000", *arguments], {}, Path("/nonexistent")).settings


def named(*items: Any) -> dict[str, Any]:
    return {item.name: item for item in items}


def objects(chosen: Settings, **sections: dict[str, Any]) -> Layer4Objects:
    """Return the objects of a worker that serves this configuration."""
    contexts = ClientContexts(ServersTransport("default"), str)
    services = TcpServices(Sweeper(), contexts)
    nothing: Any = None
    parts = TcpParts(frozenset(), services, nothing, nothing, InFlightLimits())
    for section, receiver in parts.receivers().items():
        for item in sections.get(section, {}).values():
            receiver.put(item)
    state = State.of(1, Configuration(**sections))
    return Layer4Objects(state, chosen, iter, TcpFaults(parts))


OFFICE = Middleware("office@file", "ipAllowList", {"sourceRange": ["192.0.2.0/24"]})


@pytest.mark.parametrize(
    ("middlewares", "service", "fault"),
    [
        ((), "db", ""),
        (("office@file",), "db", ""),
        ((), "none", "service none@file does not exist"),
        (("none@file",), "db", "TCP middleware none@file does not exist"),
        (
            ("office@file", "garbled@file"),
            "db",
            "TCP middleware garbled@file has options that could not be read",
        ),
        (
            ("auth@file",),
            "db",
            "TCP middleware auth@file is of kind basicAuth, which TCP routers do not have",
        ),
    ],
)
def test_a_tcp_router_serves_only_with_its_service_and_all_its_middlewares(
    middlewares: tuple[str, ...], service: str, fault: str
) -> None:
    garbled = Middleware("garbled@file", "ipAllowList", {}, unusable=True)
    found = objects(
        settings(),
        tcp_services=named(TcpService("db@file")),
        tcp_middlewares=named(OFFICE, garbled, Middleware("auth@file", "basicAuth", {"users": ["a:b"]})),
    )
    assert found.fault(router("db", service, 1, middlewares=middlewares)) == fault


def test_routers_of_a_closed_entry_point_are_disabled() -> None:
    chosen = settings("--entryPoints.web.clientIPStrategy.depth=1", "--entryPoints.open.address=:9000")
    assert chosen.closed_reason("web")
    found = objects(chosen, tcp_services=named(TcpService("db@file")))
    assert "entry point web is closed" in found.fault(router("db", "db", 1, entry_points=("web",)))
    assert found.fault(router("db", "db", 1, entry_points=("web", "open"))) == ""


def test_a_service_says_why_it_takes_nothing() -> None:
    missing = ServersTransport("", root_cas=("/nonexistent.pem",))
    services = (
        TcpService("a@file", unserved="it is odd"),
        TcpService("b@file", transport=TcpServersTransport("t@file", unserved="spiffe is not served")),
        TcpService(
            "c@file",
            (TcpServer("s", "10.0.0.1", 5432, tls=True),),
            transport=TcpServersTransport("t@file", tls=missing),
        ),
        TcpService("d@file"),
    )
    found = objects(settings(), tcp_services=named(*services))
    faults = [found.fault(each) for each in services]
    assert faults[:2] == ["it is odd", "spiffe is not served"]
    assert "its serversTransport t@file: its root CA /nonexistent.pem" in faults[2]
    assert faults[3] == ""
    assert found.fault(UdpService("a@file", unserved="no")) == "no"


def test_a_transport_that_only_the_proxy_cannot_use_gets_a_diagnostic() -> None:
    services = TcpServices(Sweeper(), ClientContexts(ServersTransport("default"), str))
    nothing: Any = None
    parts = TcpParts(frozenset(), services, nothing, nothing, InFlightLimits())
    broken = TcpService(
        "c@file",
        (TcpServer("s", "10.0.0.1", 5432, tls=True),),
        transport=TcpServersTransport("t@file", tls=ServersTransport("", root_cas=("/nonexistent.pem",))),
    )
    known = TcpService("a@file", unserved="the agent has told why")
    for service in (broken, known):
        services.put(service)
    (told,) = tcp_transport_diagnostics((broken, known), parts)
    assert (told.subject, told.severity) == ("TCP service c@file", Severity.ERROR)
    assert told.message.endswith("so connections are closed")


def test_a_rule_with_a_matcher_of_http_disables_its_router() -> None:
    lost = TcpRouter("a@file", Rule("Host(`a`)", Match("Host", ("a",))), "db@file", 1)
    found = objects(settings(), tcp_routers=named(lost), tcp_services=named(TcpService("db@file")))
    assert found.fault(lost) == "its rule has a matcher that TCP routers do not have: Host"


def test_an_entry_point_for_udp_has_one_router_the_first_by_name() -> None:
    chosen = settings("--entryPoints.dns.address=:53/udp", "--entryPoints.time.address=:123/udp")
    routers = (
        UdpRouter("all@file", "dns@file"),
        UdpRouter("bare@file", "dns@file", ("dns",)),
        UdpRouter("a@file", "dns@file", ("time",)),
    )
    found = objects(chosen, udp_routers=named(*routers), udp_services=named(UdpService("dns@file")))
    assert [found.fault(each) for each in routers] == [
        "",
        "it takes nothing, because an entry point has one UDP router, and that is all@file",
        "",
    ]
    views = [found.view("udp router", each, WITHOUT_ERRORS) for each in routers]
    assert [view.using for view in views] == [("dns",), (), ("time",)]
    assert [view.entry_points for view in views] == [(), ("dns",), ("time",)]


def test_without_an_entry_point_for_udp_a_router_says_so() -> None:
    found = objects(settings(), udp_services=named(UdpService("dns@file")))
    assert found.fault(UdpRouter("a@file", "dns@file")) == "there is no entry point for UDP"


def test_a_disabled_router_uses_no_entry_point() -> None:
    view = router_view(router("a", "db", 1), active_status((), "it is closed"), ("web",))
    assert (view.status, view.entry_points, view.using) == ("disabled", ("web",), ())


def test_diagnostics_of_one_name_and_different_protocols_are_told_apart() -> None:
    found = group_by_object(
        Diagnostic(Severity.WARNING, "file", f"{prefix}router a@file", prefix)
        for prefix in ("", "TCP ", "UDP ")
    )
    for kind, message in (("router", ""), ("tcp router", "TCP "), ("udp router", "UDP ")):
        assert [each.message for each in found[kind]["a@file"]] == [message]


def test_options_of_a_servers_transport_are_not_shown_at_its_services() -> None:
    shared = TcpServersTransport("t@file", proxy_protocol=2, termination_delay=-0.001)
    named_view = service_view(
        TcpService("a@file", servers_transport="t@file", transport=shared), WITHOUT_ERRORS, ()
    ).load_balancer
    own_view = service_view(TcpService("a@file", transport=shared), WITHOUT_ERRORS, ()).load_balancer
    assert named_view is not None
    assert own_view is not None
    assert (named_view.proxy_protocol, named_view.termination_delay) == (None, None)
    assert own_view.proxy_protocol is not None
    assert (own_view.proxy_protocol.version, own_view.termination_delay) == (2, -1)


DB = TcpService("db@file", (TcpServer("s1", "10.0.0.1", 5432), TcpServer("s2", "10.0.0.2", 5432)))


def test_ejected_servers_are_told_for_their_tcp_services() -> None:
    ejected = {
        "tcp://10.0.0.1:5432": ("w1", "refused"),
        "tcp://10.0.0.2:5432 tcp:db@file": ("w2", "certificate expired"),
        "tcp://10.0.0.2:5432 db@file": ("w3", "of an HTTP service"),
    }
    found = list(ejection_diagnostics(ejected, (DB,)))
    assert {each.subject for each in found} == {"TCP service db@file"}
    assert [each.message.partition("; ")[2] for each in found] == [
        "worker w1 ejected it: refused",
        "worker w2 ejected it: certificate expired",
    ]
    flow = tcp_flow(router_view(router("db", "db", 1), WITHOUT_ERRORS, ()), sources([DB], ejected))
    assert flow.service is not None
    assert [server.state for server in flow.service.servers] == ["ejected", "ejected"]


def sources(services: Iterable[Any], ejected: Iterable[str] = ()) -> Layer4Sources:
    return Layer4Sources({}, named(*services), {}, {}, frozenset(ejected))


def test_a_flow_names_what_does_not_exist() -> None:
    view = router_view(router("db", "none", 1, middlewares=("none@file",)), WITHOUT_ERRORS, ("web",))
    flow = tcp_flow(view, sources(()))
    assert [(each.name, each.kind) for each in flow.middlewares] == [("none@file", "")]
    assert flow.service is not None
    assert flow.service.fault == "it does not exist"


def test_a_flow_of_many_servers_and_of_nested_services_is_shown_up_to_a_limit() -> None:
    many = TcpService("s@file", tuple(TcpServer(f"{n}", "10.0.0.1", n) for n in range(1, 31)))
    flow = tcp_flow(router_view(router("a", "s", 1), WITHOUT_ERRORS, ()), sources([many]))
    assert flow.service is not None
    assert (len(flow.service.servers), flow.service.more) == (MAX_SERVERS, 30 - MAX_SERVERS)
    nested = [UdpService(f"s{n}@file", members=(Member(f"s{n + 1}@file"),) * 30) for n in range(30)]
    udp = udp_flow(UdpRouterView("a@file", "file", service="s0@file"), sources(nested), ())
    assert udp.service is not None

    def count(service: Any) -> int:
        return 1 + sum(map(count, service.members))

    assert count(udp.service) == MAX_SERVICES + 1


def test_a_flow_of_a_router_that_was_left_out_has_no_service() -> None:
    lost = left_out_router("a@file", ObjectStatus("disabled", ("service none@file does not exist",)))
    flow = tcp_flow(lost, sources(()))
    assert (flow.service, flow.middlewares, flow.entry_points) == (None, (), ())


@pytest.mark.parametrize(
    ("send", "shown"), [("PING\r\n", "PING\r\n"), ("AUTH pa55\r\n", "…"), ("PASS x", "…")]
)
def test_a_view_shows_no_credentials_that_a_health_check_sends(send: str, shown: str) -> None:
    service = TcpService("db@file", health_check=TcpHealthCheck(send=send))
    view = service_view(service, active_status([]), ())
    assert view.load_balancer is not None
    assert view.load_balancer.health_check is not None
    assert view.load_balancer.health_check.send == shown
