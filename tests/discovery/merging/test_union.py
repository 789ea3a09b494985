"""Containers of one provider united into one configuration."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from discovery.decoding.decoded import Decoded
from discovery.labels import decode
from discovery.labels.container import Container
from discovery.merging.union import Union, unite
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Severity
from rondpoint.model import Server, ServerState, Service
from rondpoint.tls.model import Certificate
from tests.discovery.labels.containers import OPTIONS, WITH_DOMAIN, compose, container

V1 = {"traefik.port": "80", "traefik.backend": "hello", "traefik.frontend.rule": "Host:hello.docker"}
V3 = {"traefik.http.routers.hello.rule": "Host(`hello.test`)"}


def united(*containers: Container) -> Configuration:
    return unite([decode(given, OPTIONS) for given in containers], "docker")


def servers(configuration: Configuration, service: str) -> list[str]:
    return [server.name for server in configuration.services[service].servers]


def test_scaled_containers_become_the_servers_of_one_service_under_one_router() -> None:
    configuration = united(*(container(f"shop_webapp_{number}", {**compose(), **V3}) for number in (2, 1, 3)))
    assert list(configuration.routers) == ["hello@docker"]
    assert list(configuration.services) == ["webapp-shop@docker"]
    assert servers(configuration, "webapp-shop@docker") == ["shop_webapp_1", "shop_webapp_2", "shop_webapp_3"]
    assert configuration.diagnostics == ()


def test_containers_of_one_traefik_1_backend_are_its_servers() -> None:
    configuration = united(container("b", V1), container("a", V1))
    assert list(configuration.routers) == ["frontend-Host-hello.docker@docker"]
    assert servers(configuration, "hello@docker") == ["a", "b"]
    assert configuration.diagnostics == ()


def test_every_rule_of_one_backend_leads_to_all_its_servers() -> None:
    other = {**V1, "traefik.frontend.rule": "Host:other.docker"}
    configuration = united(container("a", V1), container("b", other))
    assert {router.service for router in configuration.routers.values()} == {"hello@docker"}
    assert len(configuration.routers) == 2
    assert servers(configuration, "hello@docker") == ["a", "b"]


def test_both_dialects_may_name_one_service() -> None:
    new = {**V3, "traefik.http.services.hello.loadbalancer.server.port": "80"}
    assert servers(united(container("a", V1), container("b", new)), "hello@docker") == ["a", "b"]


def test_the_order_in_which_containers_come_does_not_matter() -> None:
    given = [
        container("a", V1),
        container("b", {**V1, "traefik.backend": "else"}),
        container("c", V3),
        container("d", V3),
        container("e", {"traefik.http.routers.hello.rule": "Host(`x`)"}),
    ]
    first, *others = [united(*order) for order in itertools.permutations(given)]
    assert all(other == first for other in others)


def test_a_draining_container_is_marked_and_stays_beside_the_others() -> None:
    configuration = united(container("a", V1, draining=True), container("b", V1))
    states = {server.name: server.state for server in configuration.services["hello@docker"].servers}
    assert states == {"a": ServerState.DRAINING, "b": ServerState.UP}


def test_containers_started_by_hand_with_one_router_become_one_service_named_after_it() -> None:
    configuration = united(container("a", V3), container("b", V3))
    assert configuration.routers["hello@docker"].service == "hello@docker"
    assert list(configuration.services) == ["hello@docker"]
    assert servers(configuration, "hello@docker") == ["a", "b"]
    assert {item.severity for item in configuration.diagnostics} == {Severity.NOTE}
    assert configuration.diagnostics[0].message == (
        "joined with container b as servers of service hello@docker, because they share "
        "traefik.http.routers.hello and name no service"
    )


def test_a_scaled_service_and_one_by_hand_under_one_router_are_joined() -> None:
    scaled = [container(f"shop_webapp_{number}", {**compose(), **V3}) for number in (1, 2)]
    configuration = united(*scaled, container("c", V3))
    assert servers(configuration, "hello@docker") == ["c", "shop_webapp_1", "shop_webapp_2"]


def test_a_service_that_another_router_uses_stays_when_it_is_joined_to_others() -> None:
    also = {**V3, "traefik.http.routers.own.rule": "Host(`own.test`)"}
    configuration = united(container("a", also), container("b", V3))
    assert configuration.routers["own@docker"].service == "a@docker"
    assert servers(configuration, "a@docker") == ["a"]
    assert servers(configuration, "hello@docker") == ["a", "b"]


def test_explicitly_named_services_are_not_joined_but_conflict() -> None:
    def named(service: str) -> dict[str, str]:
        return {**V3, f"traefik.http.services.{service}.loadbalancer.server.port": "80"}

    configuration = united(container("a", named("x")), container("b", named("y")))
    assert configuration.routers == {}
    (found,) = configuration.diagnostics
    assert (found.severity, found.subject) == (Severity.ERROR, "container b")
    assert found.message == (
        "router hello@docker (traefik.http.routers.hello) is defined differently in container a: "
        "service y@docker against x@docker; both are left out"
    )


def test_a_router_with_two_rules_is_dropped_and_both_containers_and_the_label_are_named() -> None:
    other = {"traefik.http.routers.hello.rule": "Host(`other.test`)"}
    configuration = united(container("a", V3), container("b", other), container("c"))
    assert list(configuration.routers) == ["c@docker"]
    (found,) = configuration.diagnostics
    assert "traefik.http.routers.hello" in found.message
    assert "container a" in found.message
    assert "rule Host(`other.test`) against Host(`hello.test`)" in found.message


def test_of_conflicting_traefik_1_routers_the_first_is_used() -> None:
    configuration = united(container("a", V1), container("b", {**V1, "traefik.frontend.priority": "99"}))
    (router,) = configuration.routers.values()
    assert router.priority == len("Host:hello.docker")
    assert servers(configuration, "hello@docker") == ["a", "b"]
    assert configuration.diagnostics[0].message.endswith(
        "priority 99 against 17, that of container a is used".replace(",", ";")
    )


def test_traefik_1_routers_with_different_middlewares_are_left_out() -> None:
    guarded = {**V1, "traefik.frontend.auth.basic": "u:p"}
    assert united(container("a", V1), container("b", guarded)).routers == {}


def test_services_that_differ_in_more_than_servers_are_dropped() -> None:
    port = {"traefik.http.services.s.loadbalancer.server.port": "80"}
    other = {**port, "traefik.http.services.s.loadbalancer.passhostheader": "false"}
    configuration = united(container("a", port), container("b", other))
    assert configuration.services == {}
    assert any("pass_host_header False against True" in item.message for item in configuration.diagnostics)


def test_a_conflict_lists_each_option_and_never_a_secret() -> None:
    check = "traefik.http.services.s.loadbalancer.healthcheck"
    one = {f"{check}.path": "/a", f"{check}.headers.Authorization": "Bearer one", f"{check}.headers.X-A": "b"}
    other = {
        f"{check}.path": "/b",
        f"{check}.headers.Authorization": "Bearer two",
        f"{check}.headers.X-A": "c",
    }
    configuration = united(container("a", one), container("b", other))
    (message,) = (item.message for item in configuration.diagnostics if "service s@docker" in item.message)
    assert "health_check.path /b against /a, health_check.headers" in message
    assert "Bearer" not in message
    none = {"traefik.http.services.s.loadbalancer.server.port": "80"}
    configuration = united(container("a", none), container("b", other))
    (message,) = (item.message for item in configuration.diagnostics if "service s@docker" in item.message)
    assert "health_check.path /b against nothing" in message


def test_a_conflict_of_tcp_services_shows_no_credentials_that_health_checks_send() -> None:
    check = "traefik.tcp.services.s.loadbalancer.healthcheck"
    parts = [
        container(name, {f"{check}.send": f"AUTH {name}-secret", f"{check}.expect": f"+{name}"})
        for name in ("a", "b")
    ]
    (message,) = (
        item.message for item in united(*parts).diagnostics if "TCP service s@docker" in item.message
    )
    assert "health_check.expect +b against +a" in message
    assert "secret" not in message


def test_identical_middlewares_merge_and_different_ones_are_dropped() -> None:
    m, n = "traefik.http.middlewares.m.basicauth.users", "traefik.http.middlewares.n.basicauth.users"
    configuration = united(container("a", {m: "u:p", n: "u:p"}), container("b", {m: "u:p", n: "u:q"}))
    assert list(configuration.middlewares) == ["m@docker"]


def test_diagnostics_of_every_container_are_kept() -> None:
    configuration = united(container("a", ports=()), container("b", {"traefik.enable": "false"}))
    assert [item.subject for item in configuration.diagnostics] == ["container a", "container b"]


def test_nothing_makes_an_empty_configuration() -> None:
    assert unite([], "docker") == Configuration({}, {}, {}, ())


def test_a_default_rule_with_a_domain_scales_too() -> None:
    parts = [decode(container(f"shop_webapp_{number}", compose()), WITH_DOMAIN) for number in range(3)]
    configuration = unite(parts, "docker")
    assert [router.rule.text for router in configuration.routers.values()] == ["Host:webapp.shop.docker"]
    assert len(configuration.services["webapp-shop@docker"].servers) == 3


LABELS = [
    V1,
    V3,
    {**V3, "traefik.http.routers.hello.priority": "5"},
    {**V1, "traefik.backend": "else"},
    {**V1, "traefik.weight": "many"},
    {"traefik.http.routers.hello.rule": "Host(`x`)"},
    {
        "traefik.http.routers.other.rule": "Host(`x`)",
        "traefik.http.services.hello.loadbalancer.server.port": "80",
    },
    {"traefik.a.port": "81", "traefik.b.port": "82", "traefik.frontend.rule": "Host:seg"},
    {"traefik.http.middlewares.m.addprefix.prefix": "/a"},
    {"traefik.http.middlewares.m.addprefix.prefix": "/b"},
    {"traefik.enable": "false"},
]
changes = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.none() | st.integers(0, len(LABELS) - 1)), max_size=30
)


@given(changes, st.integers(1, 5))
def test_step_by_step_changes_equal_a_union_at_once(
    sequence: list[tuple[str, int | None]], pace: int
) -> None:
    union, present = Union("docker"), {}
    for number, (name, chosen) in enumerate(sequence):
        if chosen is None:
            present.pop(name, None)
            union.remove(name)
        else:
            present[name] = decode(container(name, LABELS[chosen]), OPTIONS)
            union.put(name, present[name])
        if number % pace == 0:
            assert union.configuration() == unite(present.values(), "docker")
    assert union.configuration() == unite(present.values(), "docker")


def test_a_thousand_containers_by_hand_are_joined_in_linear_time() -> None:
    labels = {"traefik.http.routers.hello.rule": "Host(`x`)"}
    union = Union("docker")
    for number in range(1_000):
        union.put(str(number), decode(container(f"c{number:04}", labels), OPTIONS))
    configuration = union.configuration()
    assert len(servers(configuration, "hello@docker")) == 1_000
    union.remove("7")
    assert len(servers(union.configuration(), "hello@docker")) == 999


def test_a_conflict_of_routers_lists_their_rules() -> None:
    other = {**V3, "traefik.http.routers.hello.rule": "Host(`other.test`)"}
    (found,) = united(container("a", V3), container("b", other)).diagnostics
    rule = V3["traefik.http.routers.hello.rule"]
    assert found.hint.endswith(f"; it would serve {rule}, Host(`other.test`)")


def test_a_conflict_never_shows_secrets() -> None:
    label = "traefik.http.middlewares.auth.basicauth.users"
    configuration = united(*(container(name, {**V3, label: f"u:HASH-{name}"}) for name in ("a", "b")))
    (conflict,) = [item for item in configuration.diagnostics if "is defined differently" in item.message]
    assert "options that are not shown" in conflict.message
    assert "HASH" not in "".join(f"{item.message} {item.hint}" for item in configuration.diagnostics)


def test_a_certificate_in_several_files_is_one() -> None:
    one, other = (
        Decoded(subject, certificates=(Certificate("ab@file", "C", "K", source=subject),))
        for subject in ("a.yml", "b.yml")
    )
    found = unite((one, other), "file")
    assert list(found.certificates.values()) == [Certificate("ab@file", "C", "K", source="a.yml")]
    assert found.diagnostics == ()


def test_services_of_one_name_and_different_origins_are_not_joined() -> None:
    """Names of two namespaces may become one: a-b/c and a/b-c."""

    def part(origin: str, first_wins: bool = False) -> Decoded:
        service = Service("a-b-c@kubernetes", (Server(origin, "10.0.0.1", 80),))
        return Decoded(
            f"Ingress {origin}", services=(service,), origins={service.name: origin}, first_wins=first_wins
        )

    same = unite([part("a/b-c"), part("a/b-c")], "kubernetes")
    assert servers(same, "a-b-c@kubernetes") == ["a/b-c"]
    different = unite([part("a/b-c"), part("a-b/c")], "kubernetes")
    assert not different.services
    assert "its servers are those of a/b-c against a-b/c" in different.diagnostics[0].message
    first = unite([part("a/b-c", first_wins=True), part("a-b/c", first_wins=True)], "kubernetes")
    assert servers(first, "a-b-c@kubernetes") == ["a-b/c"]
    assert "that of Ingress a-b/c is used" in first.diagnostics[0].message
