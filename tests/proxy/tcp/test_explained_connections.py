"""Explanations of TCP connections agree with what the proxy decides: for any rules and connections."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.routing.https_hosts import HttpsHostsByEntryPoint
from proxy.tcp.rule_test import ConnectionFacts as ProxyFacts
from proxy.tcp.table import TcpTable
from rondpoint.explaining.tcp.connection_facts import ConnectionFacts
from rondpoint.explaining.tcp.connections import TcpConfiguration, explain_connection
from rondpoint.model import Router
from rondpoint.rules import v3
from rondpoint.rules.expression import And, Expression, Match, Not, Or
from rondpoint.tcp.model import TcpServer, TcpService
from tests.proxy.tcp.routing import router

NAMES = ("a.test", "b.test", "*.test", "*.a.test", "*", "test")
SERVER_NAMES = ("", "a.test", "b.test", "x.a.test", "x.x.a.test", "test", "other")
PATTERNS = (r"^a\.", r"test$", "", r"^[ab]\.test$")
PROTOCOLS = ("h2", "postgresql", "mqtt")
NETWORKS = ("192.0.2.0/24", "198.51.100.7/32", "::/0")
CLIENTS = ("192.0.2.1", "198.51.100.7", "2001:db8::1")
HTTP_RULES = (
    "Host(`a.test`)",
    "Host(`*.test`)",
    "Host(`a.test`) || PathPrefix(`/x`)",
    "!Host(`b.test`)",
    "PathPrefix(`/`)",
    "HostRegexp(`^x`)",
    "HostRegexp(`^x`) && Host(`b.test`)",
)

SERVICE = TcpService("s", (TcpServer("one", "10.0.0.1", 1),))


def matchers(kind: str, values: tuple[str, ...]) -> st.SearchStrategy[Match]:
    chosen = st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)
    return chosen.map(lambda found: Match(kind, tuple(found)))


def combined(items: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(items, min_size=2, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | items.map(Not)


expressions = st.recursive(
    st.one_of(
        matchers("HostSNI", NAMES),
        matchers("HostSNIRegexp", PATTERNS),
        matchers("ALPN", PROTOCOLS),
        matchers("ClientIP", NETWORKS),
    ),
    combined,
    max_leaves=5,
)
tcp_routers = st.lists(
    st.builds(
        lambda number, expression, priority, tls: router(
            f"t{number}", expression, priority=priority, tls=tls
        ),
        st.sampled_from([f"t{number}" for number in range(10)]),
        expressions | st.sampled_from([Match("HostSNI", ("*",))]),
        st.integers(-1, 3),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda each: each.name,
)
http_routers = st.lists(st.sampled_from(HTTP_RULES), max_size=2, unique=True).map(
    lambda rules: [
        Router(f"h{number}", v3.parse(rule), "shop", 10, tls=True) for number, rule in enumerate(rules)
    ]
)
connections = st.builds(
    ConnectionFacts,
    st.sampled_from(SERVER_NAMES),
    st.lists(st.sampled_from(PROTOCOLS), max_size=2, unique=True).map(tuple),
    st.sampled_from(CLIENTS),
)


def decided(routers: list[Any], https: list[Router], facts: ConnectionFacts, *, tls: bool) -> str:
    """Return the router that takes a connection, as `proxy.downstream.tcp_routing` decides; "" for HTTP."""
    table, hosts = TcpTable(frozenset(["pg"])), HttpsHostsByEntryPoint(frozenset(["pg"]), {})
    for each in routers:
        table.put(each)
    hosts.follow(https)
    routes, found = table.entry_point("pg"), hosts.of("pg")
    if not tls or (not routes.tls and not found.routers):
        route = routes.plain.match(ProxyFacts(facts.client))
        return "" if route is None else route.router.name
    protocols = tuple(each.encode() for each in facts.protocols)
    route = routes.tls.match(ProxyFacts(facts.client, facts.server_name, protocols))
    if route is None or found.includes(facts.server_name) or (route.is_catch_all and found.anywhere):
        return ""
    return route.router.name


@given(tcp_routers, http_routers, connections)
def test_the_explained_router_is_the_one_that_the_proxy_takes(
    routers: list[Any], https: list[Router], facts: ConnectionFacts
) -> None:
    configuration = TcpConfiguration(
        "pg",
        {each.name: replace(each, service="s") for each in routers},
        {"s": SERVICE},
        {},
        https,
        ("pg",),
        lambda _router: "",
        lambda _service: "",
    )
    explained = explain_connection(configuration, facts)
    for tls, decision in ((True, explained.over_tls), (False, explained.plain)):
        taken = decision.router if decision.outcome == "tcp" else ""
        assert taken == decided(routers, https, facts, tls=tls)
        matching = [each.router for each in decision.candidates if each.matches]
        assert not taken or matching == [taken]
    # HTTP has no part in the choice for clients of PostgreSQL.
    of_postgres = [note for note in explained.notes if "PostgreSQL" in note]
    if of_postgres:
        assert f"gets TCP router {decided(routers, [], facts, tls=True)} all" in of_postgres[0]
