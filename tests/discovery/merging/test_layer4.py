"""Merging of TCP and UDP: references, entry points, transports."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from discovery.contributions.retention import retained_configuration
from discovery.merging.layer4_options import Layer4Options
from discovery.merging.merge import merge
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Severity
from rondpoint.model import ClientCertificate, Member, Middleware, ServerState, ServersTransport
from rondpoint.rules.tcp import parse
from rondpoint.store.state import State
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.tls.model import TlsOptions
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService

RULE = parse("HostSNI(`*`)")
SERVERS = (TcpServer("a", "10.0.0.1", 5432),)
DB = TcpService("db@file", SERVERS)
DNS = UdpService("dns@file", (UdpServer("a", "10.0.0.1", 53),))
POINTS = ("web", "postgres")
OPTIONS = Layer4Options(("dns", "ntp"))

_SECTIONS: dict[type, str] = {
    TcpRouter: "tcp_routers",
    TcpService: "tcp_services",
    Middleware: "tcp_middlewares",
    TcpServersTransport: "tcp_servers_transports",
    UdpRouter: "udp_routers",
    UdpService: "udp_services",
    TlsOptions: "tls_options",
}


def configuration(*objects: Any) -> Configuration:
    sections: dict[str, Any] = {name: {} for name in _SECTIONS.values()}
    for each in objects:
        sections[_SECTIONS[type(each)]][each.name] = each
    return Configuration(**sections)


def merged(*objects: Any, options: Layer4Options = OPTIONS, **others: Configuration) -> Configuration:
    return merge({"file": configuration(*objects), **others}, POINTS, layer4=options)


def router(**given: Any) -> TcpRouter:
    return TcpRouter("r@file", RULE, **{"service": "db@file", "priority": -1, **given})


def only_message(found: Configuration) -> str:
    (diagnostic,) = found.diagnostics
    return f"{diagnostic.subject}: {diagnostic.message_with_hint}"


def test_references_cross_providers() -> None:
    one = router(service="db@docker", middlewares=("lan@docker",), entry_points=("postgres",))
    lan = Middleware("lan@docker", "ipAllowList")
    docker = configuration(replace(DB, name="db@docker"), lan)
    found = merged(one, UdpRouter("u@file", "dns@docker"), docker=replace(
        docker, udp_services={"dns@docker": replace(DNS, name="dns@docker")}))  # fmt: skip
    assert (found.tcp_routers, found.tcp_middlewares) == ({"r@file": one}, {"lan@docker": lan})
    assert (found.udp_routers, found.diagnostics) == ({"u@file": UdpRouter("u@file", "dns@docker")}, ())


def test_a_router_with_an_unknown_reference_is_left_out() -> None:
    found = merged(router(service="bd@file", middlewares=("no@file",)), DB)
    assert found.tcp_routers == {}
    assert [(each.severity, each.subject, each.message_with_hint) for each in found.diagnostics] == [
        (
            Severity.ERROR,
            "TCP router r@file",
            "left out, because its service 'bd@file' does not exist (did you mean 'db@file'?; it would serve "
            "HostSNI(`*`))",
        ),
        (
            Severity.ERROR,
            "TCP router r@file",
            "left out, because its middleware 'no@file' does not exist (none is defined; it would serve "
            "HostSNI(`*`))",
        ),
    ]
    assert merged(UdpRouter("u@file", "bd@file"), DNS).udp_routers == {}


def test_services_and_middlewares_of_http_and_of_rondpoint_do_not_count() -> None:
    http = Configuration(middlewares={"m@x": Middleware("m@x", "ipAllowList")})
    assert merged(router(middlewares=("m@x",)), DB, x=http).tcp_routers == {}
    found = merged(router(service="api@internal"))
    assert "services of Rondpoint are for HTTP routers" in only_message(found)


def test_entry_points_are_those_of_the_protocol() -> None:
    found = merged(router(entry_points=("dns", "nope", "web")), DB)
    assert found.tcp_routers["r@file"].entry_points == ("web",)
    assert [each.message for each in found.diagnostics] == [
        "entry point 'dns' is for UDP",
        "entry point 'nope' does not exist",
    ]
    assert merged(router(entry_points=("dns",)), DB).tcp_routers == {}
    udp = merged(UdpRouter("u@file", "dns@file", ("web", "dns")), DNS)
    assert udp.udp_routers["u@file"].entry_points == ("dns",)
    assert [each.message for each in udp.diagnostics] == ["entry point 'web' is for TCP"]
    assert merged(UdpRouter("u@file", "dns@file", ("web",)), DNS).udp_routers == {}


def test_a_udp_router_without_any_entry_point_for_udp_is_left_out() -> None:
    found = merged(UdpRouter("u@file", "dns@file"), DNS, options=Layer4Options(()))
    assert found.udp_routers == {}
    assert only_message(found) == (
        "UDP router u@file: left out, because there is no entry point for UDP "
        "(set the address of one to :PORT/udp)"
    )


def test_unknown_entry_points_for_udp_are_assumed_to_exist() -> None:
    one = UdpRouter("u@file", "dns@file", ("any",))
    found = merged(one, DNS, options=Layer4Options())
    assert (found.udp_routers, found.diagnostics) == ({"u@file": one}, ())


def test_an_entry_point_has_one_udp_router() -> None:
    routers = (
        UdpRouter("b@file", "dns@file", ("dns",)),
        UdpRouter("a@file", "dns@file", ("dns",)),
        UdpRouter("c@file", "dns@file", ("dns", "ntp")),
    )
    found = merged(*routers, DNS)
    assert len(found.udp_routers) == 3
    assert only_message(found) == (
        "UDP router b@file: it takes nothing, because an entry point has one UDP router, and that is a@file "
        "(give it an entry point of its own)"
    )


def test_the_first_provider_wins_a_name() -> None:
    other = TcpService("db@file", (TcpServer("b", "10.0.0.2", 1),))
    found = merge({"a": configuration(DB), "b": configuration(other)}, POINTS)
    assert found.tcp_services == {"db@file": DB}
    assert found.diagnostics[0].subject == "TCP service db@file"


def test_members_that_do_not_exist_or_lead_back_are_left_out() -> None:
    both = TcpService("both@file", members=(Member("db@file"), Member("no@file"), Member("both@file")))
    found = merged(both, DB)
    assert found.tcp_services["both@file"].members == (Member("db@file"),)
    assert [each.message for each in found.diagnostics] == [
        "its service 'no@file' does not exist and is left out",
        "its service 'both@file' leads back to it and is left out",
    ]
    none = merged(UdpService("both@file", members=(Member("no@file"),)))
    assert none.udp_services["both@file"].unserved == "none of its services is available"


def test_a_transport_is_put_into_its_services() -> None:
    transport = TcpServersTransport("t@file", dial_timeout=1.0)
    found = merged(replace(DB, servers_transport="t@file"), transport)
    assert found.tcp_services["db@file"].transport == transport


def test_a_service_without_its_transport_takes_no_connections() -> None:
    found = merged(replace(DB, servers_transport="t@file"), router())
    service = found.tcp_services["db@file"]
    assert (service.servers, service.unserved) == ((), "its serversTransport t@file does not exist")
    assert (
        found.diagnostics[0].message == "serversTransport 't@file' does not exist, so connections are closed"
    )
    closed = TcpServersTransport("t@file", unserved="tls: spiffe is not served yet")
    service = merged(replace(DB, servers_transport="t@file"), closed).tcp_services["db@file"]
    assert (service.servers, service.unserved) == (
        (),
        "its serversTransport t@file: tls: spiffe is not served yet",
    )


def test_a_service_of_a_contribution_keeps_the_transport_that_it_contains() -> None:
    transport = TcpServersTransport("t@other", tls=ServersTransport("t@other", server_name="a.test"))
    service = replace(DB, servers_transport="t@other", transport=transport)
    assert merged(service).tcp_services == {"db@file": service}


def test_the_settings_apply_to_services_without_a_transport() -> None:
    default = TcpServersTransport("", dial_timeout=5.0, termination_delay=1.0)
    options = replace(OPTIONS, tcp_transport=default)
    assert merged(DB, options=options).tcp_services["db@file"].transport == default
    own = replace(DB, transport=TcpServersTransport("", termination_delay=0.5, proxy_protocol=1))
    assert merged(own, options=options).tcp_services["db@file"].transport == TcpServersTransport(
        "", dial_timeout=5.0, termination_delay=0.5, proxy_protocol=1
    )
    assert merged(DB).tcp_services["db@file"] is DB


def test_a_sealed_key_of_a_transport_stays_sealed() -> None:
    tls = ServersTransport("t@file", certificate=ClientCertificate("PEM", "sealed:v1:a:b"))
    transport = TcpServersTransport("t@file", tls=tls)
    found = merged(replace(DB, servers_transport="t@file"), transport).tcp_services["db@file"].transport
    assert found == transport


def test_tls_options_must_exist_unless_the_server_ends_tls() -> None:
    found = merged(router(tls=True, tls_options="strcit@file"), DB, TlsOptions("strict@file"))
    assert len(found.tcp_routers) == 1
    assert only_message(found) == (
        "TCP router r@file: its TLS options 'strcit@file' do not exist, so its connections are refused "
        "(did you mean 'strict@file'?)"
    )
    assert merged(router(tls=True, passthrough=True, tls_options="no@file"), DB).diagnostics == ()
    broken = merged(router(tls=True, tls_options="b@file"), DB, TlsOptions("b@file", unserved="no authority"))
    assert "its TLS options 'b@file' cannot be used" in only_message(broken)


def test_stored_objects_of_a_silent_provider_are_retained_as_it_gave_them() -> None:
    transport = TcpServersTransport("t@file", dial_timeout=1.0)
    down = (TcpServer("a", "10.0.0.1", 5432, state=ServerState.DOWN),)
    service = replace(DB, servers=down, servers_transport="t@file", transport=transport)
    udp = UdpRouter("u@file", "dns@file")
    state = State(
        1,
        tcp_routers={"r@file": router(), "r@docker": replace(router(), name="r@docker")},
        tcp_services={"db@file": service},
        tcp_middlewares={"m@file": Middleware("m@file", "inFlightConn")},
        udp_routers={"u@file": udp},
        udp_services={"dns@file": DNS},
    )
    kept = retained_configuration(state, "file")
    assert (kept.tcp_routers, kept.udp_routers) == ({"r@file": router()}, {"u@file": udp})
    assert kept.tcp_services["db@file"].servers == SERVERS
    assert (kept.tcp_servers_transports, kept.udp_services) == ({"t@file": transport}, {"dns@file": DNS})
    assert kept.tcp_middlewares.keys() == {"m@file"}
