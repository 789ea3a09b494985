"""The index finds the route that testing all routes in their order finds."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tcp.route import Route
from proxy.tcp.route_index import RouteIndex
from proxy.tcp.rule_test import ConnectionFacts, UnservedRuleError
from proxy.tcp.table import TcpTable
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from tests.proxy.tcp.routing import ANYTHING, router, sni

NAMES = ("a.test", "b.test", "x.a.test", "y.x.a.test", "test", "")
VALUES = ("a.test", "b.test", "*.a.test", "*.test", "*", "x.a.test")

leaves: st.SearchStrategy[Expression] = st.one_of(
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=2).map(lambda names: sni(*names)),
    st.sampled_from((r"^a", r"\.test$", r"^$")).map(lambda pattern: Match("HostSNIRegexp", (pattern,))),
    st.sampled_from(("h2", "postgresql")).map(lambda name: Match("ALPN", (name,))),
    st.sampled_from(("10.0.0.0/8", "::1")).map(lambda network: Match("ClientIP", (network,))),
)
expressions: st.SearchStrategy[Expression] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items))),
        inner.map(Not),
    ),
    max_leaves=4,
)
facts = st.builds(
    ConnectionFacts,
    st.sampled_from(("10.1.1.1", "::ffff:10.1.1.1", "::1", "")),
    st.sampled_from(NAMES),
    st.sampled_from(((), (b"h2",), (b"postgresql", b"h2"))),
)


def matches(expression: Expression, of: ConnectionFacts) -> bool:
    """Say plainly what a rule means."""
    match expression:
        case And(items):
            return all(matches(item, of) for item in items)
        case Or(items):
            return any(matches(item, of) for item in items)
        case Not(item):
            return not matches(item, of)
        case Match("HostSNI", values):
            return any(name_matches(value, of.server_name) for value in values)
        case Match("HostSNIRegexp", (pattern,)):
            name = of.server_name
            return {"^a": name.startswith("a"), r"\.test$": name.endswith(".test"), "^$": not name}[pattern]
        case Match("ALPN", (name,)):
            return name.encode() in of.protocols
        case Match("ClientIP", ("::1",)):
            return of.address == "::1"
        case Match("ClientIP"):
            return of.address.endswith("10.1.1.1")
    raise AssertionError(expression)


def name_matches(value: str, name: str) -> bool:
    if value == "*":
        return True
    if value.startswith("*."):
        return "." in name and name.split(".", 1)[1] == value[2:]
    return value == name


@given(st.lists(st.tuples(expressions, st.integers(0, 2)), min_size=1, max_size=6), facts, st.data())
def test_the_first_matching_route_is_found(
    rules: list[tuple[Expression, int]], of: ConnectionFacts, data: st.DataObject
) -> None:
    routes = [
        Route(router(f"r{number}", expression, priority=priority))
        for number, (expression, priority) in enumerate(rules)
    ]
    index = RouteIndex()
    for route in routes:
        index.add(route)
    removed = data.draw(st.lists(st.sampled_from(routes), unique=True))
    for route in removed:
        index.discard(route)
    left = sorted((route for route in routes if route not in removed), key=lambda route: route.order)
    assert len(index) == len(left)
    expected = next((each for each in left if matches(each.router.rule.expression, of)), None)
    assert index.match(of) is expected


def test_ten_thousand_names_take_as_many_steps_as_one() -> None:
    def steps(count: int) -> int:
        index = RouteIndex()
        for number in range(count):
            index.add(Route(router(f"r{number}", sni(f"h{number}.test"))))
            index.add(Route(router(f"w{number}", sni(f"*.h{number}.test"))))
        lines = 0

        def trace(_frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal lines
            lines += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            found = index.match(ConnectionFacts("10.0.0.1", f"x.h{count - 1}.test"))
        finally:
            sys.settrace(before)
        assert found is not None
        assert found.router.name == f"w{count - 1}"
        return lines

    assert steps(10_000) == steps(1) > 0


def test_a_router_moves_with_its_entry_points() -> None:
    table = TcpTable(frozenset(("default",)))
    default, other = table.entry_point("default"), table.entry_point("other")
    table.put(router("r@x", ANYTHING))
    assert (default.has_any, other.has_any) == (True, False)
    table.put(router("r@x", ANYTHING, entry_points=("other",), tls=True))
    assert (default.has_any, other.has_any) == (False, True)
    assert len(other.tls) == 1
    assert not other.plain
    table.remove("r@x")
    table.remove("r@x")
    assert not other.has_any


@pytest.mark.parametrize(
    "expression",
    [
        Match("Host", ("a.test",)),
        Keyed("Header", "a", ("b",)),
        Match("HostSNIRegexp", ("(",)),
        Match("ClientIP", ("nonsense",)),
        And((sni("a.test"), Match("Path", ("/",)))),
    ],
)
def test_a_rule_that_cannot_be_tested_leaves_the_earlier_router(
    expression: Expression, caplog: pytest.LogCaptureFixture
) -> None:
    changed = router("r@x", sni("a.test"))
    broken = type(changed)("r@x", type(changed.rule)("broken", expression), "s", 1)
    with pytest.raises(UnservedRuleError):
        Route(broken)
    table = TcpTable(frozenset(("default",)))
    table.put(changed)
    table.put(broken)
    assert table.entry_point("default").plain.match(ConnectionFacts("", "a.test")) is not None
    assert "TCP router r@x: its rule has" in caplog.text
