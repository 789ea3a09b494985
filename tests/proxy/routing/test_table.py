"""The routing table answers as a walk over all routers by priority, then name, would."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.routing.compiling import literal_hosts
from proxy.routing.table import RoutingTable
from rondpoint.model import Router
from rondpoint.rules import v3
from rondpoint.rules.expression import And, Expression, Match, Not, Or, Rule

DEFAULT = frozenset({"web"})


def router(
    name: str, rule: str | Expression, priority: int = 1, entry_points: tuple[str, ...] = ()
) -> Router:
    parsed = v3.parse(rule) if isinstance(rule, str) else Rule("generated", rule)
    return Router(name, parsed, f"service-of-{name}", priority, entry_points)


def table_of(*routers: Router) -> RoutingTable:
    table = RoutingTable(DEFAULT)
    for each in routers:
        table.put(each)
    return table


def served(table: RoutingTable, host: str, path: str = "/", entry_point: str = "web") -> str | None:
    found = table.match(entry_point, host.encode(), path.encode())
    return found.name if found else None


def test_a_host_finds_its_router() -> None:
    table = table_of(router("a", "Host(`a.test`)"), router("b", "Host(`b.test`)"))
    assert served(table, "a.test") == "a"
    assert served(table, "B.TEST.:8000", "/any?x") == "b"
    assert served(table, "c.test") is None
    assert served(table, "") is None


def test_higher_priority_first_and_among_equals_the_lower_name() -> None:
    table = table_of(
        router("z", "Host(`a.test`)", 5),
        router("y", "Host(`a.test`)", 5),
        router("x", "Host(`a.test`)", 4),
        router("top", "Host(`a.test`) && Path(`/top`)", 9),
    )
    assert served(table, "a.test") == "y"
    assert served(table, "a.test", "/top") == "top"


def test_rules_without_a_host_take_their_place_by_priority() -> None:
    table = table_of(
        router("host", "Host(`a.test`)", 5),
        router("above", "PathPrefix(`/api`)", 9),
        router("below", "PathPrefix(`/`)", 1),
        router("not", "!Host(`a.test`)", 3),
    )
    assert served(table, "a.test", "/api/x") == "above"
    assert served(table, "a.test", "/x") == "host"
    assert served(table, "b.test", "/x") == "not"
    table.remove("host")
    assert served(table, "a.test", "/x") == "below"


def test_a_path_prefix_is_one_of_characters() -> None:
    table = table_of(router("a", "PathPrefix(`/api`)"))
    assert [served(table, "h", path) for path in ("/api", "/api/", "/apix", "/ap", "/API")] == [
        "a",
        "a",
        "a",
        None,
        None,
    ]


def test_a_rule_is_not_walked_around() -> None:
    table = table_of(router("open", "PathPrefix(`/`)", 1), router("secret", "PathPrefix(`/admin`)", 2))
    for path in ("/admin", "/%61dmin", "/x/../admin", "/x/%2e%2e/admin", "/./admin", "/admin%2f", "/admin?x"):
        assert served(table, "h", path) == "secret", path


def test_entry_points() -> None:
    table = table_of(
        router("everywhere", "PathPrefix(`/`)", 1),
        router("other", "Host(`a.test`)", 9, ("other",)),
        router("both", "Host(`b.test`)", 9, ("web", "other")),
    )
    assert served(table, "a.test") == "everywhere"
    assert served(table, "a.test", entry_point="other") == "other"
    assert served(table, "b.test") == "both"
    assert served(table, "b.test", entry_point="other") == "both"
    assert served(table, "c.test", entry_point="other") is None


def test_a_router_replaced_under_other_hosts_leaves_the_old_ones() -> None:
    table = table_of(router("r", "Host(`a.test`) || Host(`b.test`)"))
    table.put(router("r", "Host(`b.test`) || Host(`c.test`)"))
    assert [served(table, host) for host in ("a.test", "b.test", "c.test")] == [None, "r", "r"]
    table.put(router("r", "PathPrefix(`/x`)"))
    assert [served(table, "b.test", path) for path in ("/", "/x")] == [None, "r"]
    table.remove("r")
    table.remove("r")
    assert served(table, "b.test", "/x") is None
    assert len(table) == 0


def test_a_rule_that_is_not_served_changes_nothing() -> None:
    table = table_of(router("r", "Host(`a.test`)"))
    with pytest.raises(KeyError, match="Header"):
        table.put(router("r", Match("Header", ("X", "y"))))
    assert served(table, "a.test") == "r"


@pytest.mark.parametrize(
    ("rule", "hosts"),
    [
        ("Host(`a`)", {"a"}),
        ("Host(`a`) && PathPrefix(`/x`)", {"a"}),
        ("Host(`a`) || Host(`b`)", {"a", "b"}),
        ("(Host(`a`) || Host(`b`)) && Host(`a`)", {"a"}),
        ("Host(`a`) && Host(`b`)", set()),
        ("Host(`a`) || Path(`/x`)", None),
        ("(Host(`a`) || Path(`/x`)) && Host(`b`)", {"b"}),
        ("Host(`a`) && !Host(`b`)", {"a"}),
        ("!Host(`a`)", None),
        ("PathPrefix(`/`)", None),
    ],
)
def test_the_hosts_outside_of_which_a_rule_cannot_hold(rule: str, hosts: set[str] | None) -> None:
    assert literal_hosts(v3.parse(rule).expression) == hosts


def holds(expression: Expression, host: str, path: str) -> bool:
    match expression:
        case Match(kind="Host", values=values):
            return host in values
        case Match(kind="Path", values=values):
            return path in values
        case Match(kind="PathPrefix", values=values):
            return any(path.startswith(value) for value in values)
        case And(items=items):
            return all(holds(item, host, path) for item in items)
        case Or(items=items):
            return any(holds(item, host, path) for item in items)
        case Not(item=item):
            return not holds(item, host, path)
    raise AssertionError(expression)


def walk(routers: Iterable[Router], entry_point: str, host: str, path: str) -> Router | None:
    for each in sorted(routers, key=lambda router: (-router.priority, router.name)):
        on = set(each.entry_points) or DEFAULT
        if entry_point in on and holds(each.rule.expression, host, path):
            return each
    return None


HOSTS = ["a.test", "b.test", "c.test"]
PATHS = ["/", "/api", "/api/v1", "/x"]


def matchers(kind: str, values: list[str]) -> st.SearchStrategy[Match]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(
        lambda chosen: Match(kind, tuple(chosen))
    )


def combined(items: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(items, min_size=2, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | items.map(Not)


hosts = matchers("Host", HOSTS)
expressions = st.recursive(
    hosts | matchers("Path", PATHS) | matchers("PathPrefix", PATHS), combined, max_leaves=5
)
routers = st.builds(
    router,
    st.sampled_from([f"r{number}" for number in range(12)]),
    hosts | expressions,
    st.integers(1, 3),
    st.sampled_from([(), (), ("web",), ("other",), ("other", "web")]),
)
changes = st.lists(routers | st.sampled_from([f"r{number}" for number in range(12)]), max_size=25)


@settings(max_examples=200)
@given(changes)
def test_it_answers_as_a_walk_over_all_routers(sequence: list[Router | str]) -> None:
    table = RoutingTable(DEFAULT)
    present: dict[str, Router] = {}
    for number, change in enumerate(sequence):
        if isinstance(change, str):
            table.remove(change)
            present.pop(change, None)
        else:
            table.put(change)
            present[change.name] = change
        if number % 5 and number + 1 < len(sequence):
            continue
        assert len(table) == len(present)
        assert {each.name: each for each in table.routers()} == present
        for host in [*HOSTS, "d.test"]:
            for path in PATHS:
                for entry_point in ("web", "other", "third"):
                    expected = walk(present.values(), entry_point, host, path)
                    assert table.match(entry_point, host.encode(), path.encode()) is expected
