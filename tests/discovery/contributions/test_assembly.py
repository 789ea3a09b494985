"""Contributions of several agents combined into one configuration per provider."""

import random

from discovery.contributions.assembly import Assembly, combine_providers
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Middleware, Router, Server, Service
from rondpoint.rules import v3
from rondpoint.rules.tcp import parse as parse_tcp
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService


def a_router(name: str, host: str = "a.test", *middlewares: str) -> Router:
    return Router(name, v3.parse(f"Host(`{host}`)"), name, 10, middlewares=middlewares)


def a_service(name: str, *servers: tuple[str, str], **options: bool) -> Service:
    return Service(name, tuple(Server(server, host, 80) for server, host in servers), **options)


def configuration_of(
    *items: Router | Service | Middleware, diagnostics: tuple[Diagnostic, ...] = ()
) -> Configuration:
    kinds: dict[type, dict[str, object]] = {Router: {}, Service: {}, Middleware: {}}
    for item in items:
        kinds[type(item)][item.name] = item
    return Configuration(kinds[Router], kinds[Service], kinds[Middleware], diagnostics)  # type: ignore[arg-type]


def assembled(**agents: Configuration) -> dict[str, Configuration]:
    assembly = Assembly()
    assembly.replace(agents)
    return assembly.configurations()


def test_services_with_one_name_have_the_servers_of_all_agents() -> None:
    router = a_router("web@docker")
    found = assembled(
        north=configuration_of(router, a_service("web@docker", ("web_1", "10.0.1.2"))),
        south=configuration_of(router, a_service("web@docker", ("web_1", "10.0.2.2"), ("web_2", "10.0.2.3"))),
    )
    docker = found["docker"]
    assert dict(docker.routers) == {"web@docker": router}
    assert [(server.name, server.host) for server in docker.services["web@docker"].servers] == [
        ("web_1@north", "10.0.1.2"),
        ("web_1@south", "10.0.2.2"),
        ("web_2@south", "10.0.2.3"),
    ]
    assert docker.diagnostics == ()


def test_servers_with_one_name_get_port_and_address_in_their_names() -> None:
    north = Service("web@consulcatalog", (Server("web", "10.0.1.2", 80), Server("web", "10.0.1.2", 81)))
    south = Service("web@consulcatalog", (Server("web", "10.0.2.2", 80), Server("other", "10.0.2.2", 80)))
    found = assembled(north=configuration_of(north), south=configuration_of(south))
    assert [server.name for server in found["consulcatalog"].services["web@consulcatalog"].servers] == [
        "other",
        "web:81",
        "web@http://10.0.1.2:80",
        "web@http://10.0.2.2:80",
    ]


def test_equal_servers_of_several_agents_are_one_server() -> None:
    service = a_service("web@file", ("http://10.0.1.2:80", "10.0.1.2"))
    found = assembled(north=configuration_of(service), south=configuration_of(service))
    assert found["file"].services["web@file"] == service


def test_conflicting_definitions_are_left_out_and_both_agents_are_named() -> None:
    found = assembled(
        north=configuration_of(a_router("web@docker", "a.test"), a_service("web@docker")),
        south=configuration_of(
            a_router("web@docker", "b.test"), a_service("web@docker", pass_host_header=False)
        ),
        west=configuration_of(a_router("other@docker")),
    )
    docker = found["docker"]
    assert list(docker.routers) == ["other@docker"]
    assert not docker.services
    router, service = docker.diagnostics
    assert router.subject == service.subject == "agent south"
    assert "router web@docker is defined differently in agent north" in router.message
    assert "Host(`b.test`) against Host(`a.test`)" in router.message
    assert "pass_host_header False against True; both are left out" in service.message


def test_an_address_of_two_machines_gives_a_warning() -> None:
    found = assembled(
        north=configuration_of(a_service("web@docker", ("web_1", "172.17.0.2"))),
        south=configuration_of(a_service("web@docker", ("web_1", "172.17.0.2"))),
    )
    (diagnostic,) = found["docker"].diagnostics
    assert diagnostic.severity is Severity.WARNING
    assert "servers web_1@north and web_1@south on two machines have the same address" in diagnostic.message
    assert len(found["docker"].services["web@docker"].servers) == 2


def test_a_diagnostic_names_the_agent_that_found_it() -> None:
    diagnostic = Diagnostic(Severity.ERROR, "docker", "container web_1", "no port")
    found = assembled(
        north=configuration_of(diagnostics=(diagnostic,)), south=configuration_of(diagnostics=(diagnostic,))
    )
    assert [diagnostic.subject for diagnostic in found["docker"].diagnostics] == [
        "container web_1 of agent north",
        "container web_1 of agent south",
    ]


def test_an_agent_without_a_name_is_distinguished_too() -> None:
    diagnostic = Diagnostic(Severity.ERROR, "docker", "container web_1", "no port")
    assembly = Assembly()
    service = a_service("web@docker", ("web_1", "172.17.0.2"))
    assembly.replace(
        {"": configuration_of(service, diagnostics=(diagnostic,)), "south": configuration_of(service)}
    )
    docker = assembly.configurations()["docker"]
    assert [server.name for server in docker.services["web@docker"].servers] == ["web_1", "web_1@south"]
    assert diagnostic in docker.diagnostics
    assert any("same address" in diagnostic.message for diagnostic in docker.diagnostics)


def test_removed_objects_disappear_and_unchanged_ones_stay_the_same_object() -> None:
    assembly = Assembly()
    kept, changed = a_service("kept@docker", ("k", "10.0.0.1")), a_service("web@docker", ("w", "10.0.0.2"))
    south = configuration_of(a_service("web@docker", ("w", "10.0.0.3")))
    assembly.replace({"north": configuration_of(kept, changed), "south": south})
    before = assembly.configurations()["docker"]
    assembly.replace({"north": configuration_of(kept), "south": south})
    after = assembly.configurations()["docker"]
    assert after.services["kept@docker"] is before.services["kept@docker"]
    assert [server.name for server in after.services["web@docker"].servers] == ["w@south"]
    assembly.replace({"south": south})
    assert list(assembly.configurations()["docker"].services) == ["web@docker"]


def test_step_by_step_replacement_equals_a_new_assembly() -> None:
    chance = random.Random(6)
    diagnostics = [Diagnostic(Severity.NOTE, "docker", f"container {number}", "odd") for number in range(3)]

    def some() -> Configuration:
        items: list[Router | Service | Middleware] = []
        for name in chance.sample(["a@docker", "b@docker", "c@file", "d@file"], 2):
            items.append(a_router(name, chance.choice(["a.test", "b.test"])))
            items.append(a_service(name, (chance.choice("xy"), chance.choice(["10.0.0.1", "10.0.0.2"]))))
            items.append(Middleware(name, chance.choice(["retry", "chain"])))
        return configuration_of(*items, diagnostics=tuple(chance.sample(diagnostics, chance.randrange(3))))

    assembly = Assembly()
    agents: dict[str, Configuration] = {}
    for _ in range(300):
        name = chance.choice(["north", "south", "west", ""])
        if chance.random() < 0.2:
            agents.pop(name, None)
        else:
            agents[name] = some()
        assembly.replace(agents)
        fresh = Assembly()
        fresh.replace(agents)
        expected = fresh.configurations()
        for provider, configuration in assembly.configurations().items():
            assert configuration == expected.get(provider, Configuration())


def test_all_providers_of_an_agent_are_combined() -> None:
    one = Diagnostic(Severity.NOTE, "docker", "container", "odd")
    found = combine_providers(
        {
            "file": configuration_of(a_router("a@file")),
            "docker": configuration_of(a_router("b@docker"), diagnostics=(one,)),
        }
    )
    assert set(found.routers) == {"a@file", "b@docker"}
    assert found.diagnostics == (one,)


def test_tcp_and_udp_services_have_the_servers_of_all_agents() -> None:
    router = TcpRouter("db@docker", parse_tcp("HostSNI(`*`)"), "db@docker", -1)

    def contribution(host: str) -> Configuration:
        tcp = TcpService("db@docker", (TcpServer("db", host, 5432),))
        udp = UdpService("dns@docker", (UdpServer("dns", host, 53),))
        return Configuration(
            tcp_routers={router.name: router},
            tcp_services={tcp.name: tcp},
            udp_routers={"u@docker": UdpRouter("u@docker", "dns@docker")},
            udp_services={udp.name: udp},
        )

    docker = assembled(north=contribution("10.0.1.2"), south=contribution("10.0.2.2"))["docker"]
    assert docker.diagnostics == ()
    assert docker.tcp_routers == {"db@docker": router}
    services = (docker.tcp_services["db@docker"], docker.udp_services["dns@docker"])
    assert [[each.name for each in service.servers] for service in services] == [
        ["db@north", "db@south"],
        ["dns@north", "dns@south"],
    ]
    same = assembled(north=contribution("10.0.1.2"), south=contribution("10.0.1.2"))["docker"]
    assert {each.subject for each in same.diagnostics} == {
        "TCP service db@docker",
        "UDP service dns@docker",
    }


def test_contributions_contain_the_transports_of_tcp_services() -> None:
    transport = TcpServersTransport("t@file", dial_timeout=1.0)
    service = TcpService("db@file", servers_transport="t@file")
    own = Configuration(tcp_services={"db@file": service}, tcp_servers_transports={"t@file": transport})
    assert combine_providers({"file": own}).tcp_services["db@file"].transport == transport
