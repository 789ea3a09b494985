"""Explanations of TCP connections."""

from __future__ import annotations

from typing import Any

import pytest

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining.tcp.connection_facts import ConnectionFacts, explain_rule
from rondpoint.explaining.tcp.connections import TcpConfiguration, explain_connection
from rondpoint.explaining.tcp.explanation import TcpExplanation
from rondpoint.model import Member, Middleware, Router, ServerState
from rondpoint.rules import v3
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or, Rule
from rondpoint.rules.rule_text import format_expression
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpService


def sni(*names: str) -> Match:
    return Match("HostSNI", names)


def router(name: str, expression: Expression, priority: int = 10, **options: Any) -> TcpRouter:
    return TcpRouter(name, Rule(format_expression(expression), expression), "db", priority, **options)


DB = TcpService("db", (TcpServer("one", "10.0.0.1", 5432), TcpServer("two", "10.0.0.2", 5432, tls=True)))


def https(name: str, rule: str) -> Router:
    return Router(name, v3.parse(rule), "shop", 10, tls=True)


def explained(
    facts: ConnectionFacts,
    *routers: TcpRouter,
    services: tuple[TcpService, ...] = (DB,),
    middlewares: tuple[Middleware, ...] = (),
    https_routers: tuple[Router, ...] = (),
    router_fault: str = "",
    **options: Any,
) -> TcpExplanation:
    configuration = TcpConfiguration(
        "pg",
        {each.name: each for each in routers},
        {each.name: each for each in services},
        {each.name: each for each in middlewares},
        https_routers,
        ("pg",),
        lambda _router: router_fault,
        lambda service: service.unserved,
        **options,
    )
    return explain_connection(configuration, facts)


CLIENT = ConnectionFacts("db.test", ("postgresql",), "192.0.2.7")


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        (sni("db.test"), True),
        (sni("*.test"), True),
        (sni("*"), True),
        (sni("test"), False),
        (sni("*.db.test"), False),
        (Match("HostSNIRegexp", (r"^d.\.test$",)), True),
        (Match("ALPN", ("h2", "postgresql")), True),
        (Match("ALPN", ("h2",)), False),
        (Match("ClientIP", ("192.0.2.0/24",)), True),
        (Match("ClientIP", ("192.0.3.0/24",)), False),
        (Not(sni("db.test")), False),
        (And((sni("db.test"), Match("ALPN", ("h2",)))), False),
        (Or((sni("a.test"), Match("ALPN", ("postgresql",)))), True),
        (Match("Host", ("db.test",)), False),
        (Keyed("Header", "a", ("b",)), False),
    ],
)
def test_rules_are_tested_with_the_facts_of_a_connection(expression: Expression, matches: bool) -> None:
    assert explain_rule(expression, CLIENT).matches is matches


def test_the_router_for_the_server_name_takes_a_connection_over_tls() -> None:
    found = explained(
        CLIENT,
        router("other", sni("other.test"), tls=True),
        router("wild", sni("*.test"), 5, tls=True),
        router("db", sni("db.test"), 5, tls=True, passthrough=True),
        router("picky", And((sni("db.test"), Match("ALPN", ("h2",)))), 99, tls=True),
        router("plain", sni("*"), 999),
    )
    decision = found.over_tls
    assert (decision.outcome, decision.router, decision.passthrough) == ("tcp", "db", True)
    # Routers for other names are not listed.
    assert [(each.router, each.matches, each.failed) for each in decision.candidates] == [
        ("picky", False, ("ALPN(`h2`)",)),
        ("db", True, ()),
    ]
    assert [(each.address, each.tls) for each in decision.servers] == [
        ("10.0.0.1:5432", False),
        ("10.0.0.2:5432", True),
    ]
    assert (found.plain.router, found.plain.before_bytes) == ("plain", False)


def test_without_routers_over_tls_the_proxy_does_not_wait_for_bytes() -> None:
    found = explained(CLIENT, router("plain", sni("*")))
    assert found.over_tls == found.plain
    assert (found.plain.router, found.plain.before_bytes) == ("plain", True)
    beside = explained(CLIENT, router("plain", sni("*")), https_routers=(https("shop", "Host(`shop.test`)"),))
    assert (beside.plain.router, beside.plain.before_bytes) == ("plain", False)
    assert (beside.over_tls.outcome, beside.over_tls.router) == ("http", "")


@pytest.mark.parametrize(
    ("rule", "names", "taken_by"),
    [
        ("Host(`db.test`)", ("db.test",), "shop"),
        ("Host(`*.test`)", ("db.test",), "shop"),
        ("Host(`other.test`)", ("db.test",), ""),
        ("PathPrefix(`/`)", ("db.test",), ""),
        ("PathPrefix(`/`)", ("*",), "shop"),
        ("HostRegexp(`^d.+$`)", ("*",), "shop"),
        ("Host(`other.test`)", ("*",), ""),
    ],
)
def test_https_routers_for_the_host_come_before_tcp_routers(
    rule: str, names: tuple[str, ...], taken_by: str
) -> None:
    found = explained(
        CLIENT, router("db", sni(*names), tls=True), https_routers=(https("shop", rule),)
    ).over_tls
    assert found.outcome == ("http" if taken_by else "tcp")
    assert taken_by in found.reason


def test_a_client_without_a_server_name_gets_the_router_for_all_names() -> None:
    routers = (router("db", sni("db.test"), tls=True), router("rest", sni("*"), -1, tls=True))
    assert explained(ConnectionFacts(), *routers).over_tls.router == "rest"
    alone = explained(ConnectionFacts(), routers[0]).over_tls
    assert (alone.outcome, alone.reason) == ("http", "no TCP router serves clients without a name")
    none = explained(CLIENT, router("x", sni("x.test"), tls=True)).over_tls
    assert none.reason == "no TCP router serves the name db.test"


OFFICE = Middleware("office", "ipAllowList", {"sourceRange": ["10.0.0.0/8", "2001:db8::/32"]})


@pytest.mark.parametrize(
    ("client", "outcome"), [("10.1.2.3", "tcp"), ("2001:db8::1", "tcp"), ("192.0.2.7", "closed"), ("", "tcp")]
)
def test_an_allow_list_refuses_other_addresses(client: str, outcome: str) -> None:
    guarded = router("db", sni("db.test"), tls=True, middlewares=("office",))
    found = explained(ConnectionFacts("db.test", (), client), guarded, middlewares=(OFFICE,))
    assert found.over_tls.outcome == outcome
    if outcome == "closed":
        assert found.over_tls.reason == (
            "middleware office refuses the address 192.0.2.7: it allows 10.0.0.0/8, 2001:db8::/32"
        )
    assert bool(found.notes) is not bool(client)


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (TcpService("db"), "service db has no server"),
        (TcpService("db", unserved="it is odd"), "service db: it is odd"),
        (
            TcpService("db", (TcpServer("one", "10.0.0.1", 1, state=ServerState.DOWN),)),
            "every server of service db is down",
        ),
        (TcpService("db", (TcpServer("one", "10.0.0.1", 1, state=ServerState.DRAINING),)), ""),
    ],
)
def test_a_service_that_cannot_serve_closes_the_connection(service: TcpService, reason: str) -> None:
    found = explained(CLIENT, router("db", sni("db.test"), tls=True), services=(service,)).over_tls
    assert (found.outcome, found.reason) == ("closed" if reason else "tcp", reason)


def test_a_closed_entry_point_and_a_fault_of_the_router_close_the_connection() -> None:
    db = router("db", sni("db.test"), tls=True)
    assert explained(CLIENT, db, closed="pg is closed").over_tls.reason == "pg is closed"
    broken = explained(CLIENT, db, router_fault="middleware x does not exist", services=()).over_tls
    assert (broken.outcome, broken.router) == ("closed", "db")
    assert broken.reason == "middleware x does not exist"


def test_members_of_a_composite_service_are_listed_with_their_servers_and_diagnostics() -> None:
    both = TcpService("db", members=(Member("a", 3), Member("b", 0)))
    parts = (TcpService("a", DB.servers), TcpService("b", (TcpServer("three", "10.0.0.3", 1),)))
    told = (
        Diagnostic(Severity.WARNING, "proxy", "TCP service a", "server one is ejected"),
        Diagnostic(Severity.WARNING, "proxy", "service a", "of HTTP"),
    )
    db = router("db", sni("db.test"), tls=True)
    found = explained(CLIENT, db, services=(both, *parts), diagnostics=told).over_tls
    assert found.members == (("a", 3), ("b", 0))
    assert [each.name for each in found.servers] == ["one", "two"]
    assert found.diagnostics == ("server one is ejected",)


def test_routers_of_other_entry_points_are_not_tried() -> None:
    elsewhere = router("db", sni("db.test"), tls=True, entry_points=("other",))
    assert explained(CLIENT, elsewhere).over_tls.candidates == ()
