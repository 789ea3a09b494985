"""Servers transports in the merged configuration: each service contains the one that it names."""

from discovery.contributions.assembly import Assembly, combine_providers
from discovery.contributions.retention import retained_configuration
from discovery.decoding.decoded import Decoded
from discovery.merging.merge import merge
from discovery.merging.union import unite
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Severity
from rondpoint.model import Server, ServersTransport, Service
from rondpoint.store.state import State

SERVERS = (Server("s", "10.0.0.1", 443, "https"),)
T = ServersTransport("t@file", server_name="shop.internal")
CLOSED = ServersTransport("t@file", unserved="spiffe is not served yet")


def service(name: str, wanted: str = "t@file", **options: object) -> Service:
    return Service(name, SERVERS, servers_transport=wanted, **options)  # type: ignore[arg-type]


def docker(*services: Service) -> Configuration:
    return Configuration(services={each.name: each for each in services})


def files(*transports: ServersTransport) -> Configuration:
    return Configuration(servers_transports={each.name: each for each in transports})


def test_a_service_contains_the_transport_of_another_provider() -> None:
    merged = merge(
        {"docker": docker(service("a@docker"), service("b@docker", "")), "file": files(T)}, {"web"}
    )
    assert merged.services["a@docker"] == service("a@docker", transport=T)
    assert merged.services["b@docker"] == service("b@docker", "")
    assert merged.diagnostics == ()


def test_a_transport_that_does_not_exist_closes_the_service() -> None:
    other = ServersTransport("t@consul")
    merged = merge({"docker": docker(service("a@docker")), "consul": files(other)}, {"web"})
    closed = merged.services["a@docker"]
    assert closed.servers == ()
    assert closed.unserved == "its serversTransport t@file does not exist"
    (found,) = merged.diagnostics
    assert (found.severity, found.source, found.subject) == (Severity.ERROR, "docker", "service a@docker")
    assert "'t@file' does not exist, so requests get a 503 response" in found.message
    assert found.hint == "did you mean 't@consul'?"


def test_a_transport_that_cannot_be_used_closes_the_service() -> None:
    merged = merge({"docker": docker(service("a@docker")), "file": files(CLOSED)}, {"web"})
    closed = merged.services["a@docker"]
    assert (closed.servers, closed.transport) == ((), None)
    assert closed.unserved == "its serversTransport t@file: spiffe is not served yet"


def test_files_that_define_a_transport_differently_close_its_services() -> None:
    strict = Decoded("b.yml", servers_transports=(T,))
    lax = Decoded("a.yml", servers_transports=(ServersTransport("t@file", insecure_skip_verify=True),))
    united = unite([strict, lax], "file")
    assert united.servers_transports == {}
    (conflict,) = united.diagnostics
    assert conflict.about == "serversTransport t@file"
    merged = merge({"docker": docker(service("a@docker")), "file": united}, {"web"})
    assert merged.services["a@docker"].unserved


def test_a_contribution_contains_the_transports_of_its_agent() -> None:
    own = combine_providers(
        {"docker": docker(service("a@docker"), service("c@docker", "t@consul")), "file": files(T)}
    )
    assert own.services["a@docker"].transport == T
    assert own.services["c@docker"] == service("c@docker", "t@consul"), "the leader looks for it"
    assembly = Assembly()
    # The store keeps no transports.
    assembly.replace({"": Configuration(services=own.services)})
    common = ServersTransport("t@consul", insecure_skip_verify=True)
    merged = merge({**assembly.configurations(), "consul": files(common)}, {"web"})
    assert merged.services["a@docker"].transport == T
    assert merged.services["c@docker"].transport == common
    assert merged.diagnostics == ()


def test_a_contributed_transport_that_cannot_be_used_closes_its_services() -> None:
    own = combine_providers({"docker": docker(service("a@docker")), "file": files(CLOSED)})
    merged = merge({"docker": Configuration(services=own.services)}, {"web"})
    assert merged.services["a@docker"].unserved.endswith("spiffe is not served yet")


def test_a_provider_that_is_awaited_keeps_its_transports() -> None:
    state = State(1, {}, {"a@docker": service("a@docker", transport=T)}, {})
    kept = retained_configuration(state, "file")
    assert kept.servers_transports == {"t@file": T}
    merged = merge({"docker": docker(service("a@docker")), "file": kept}, {"web"})
    assert merged.services["a@docker"].transport == T
