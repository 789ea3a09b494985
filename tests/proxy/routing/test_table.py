"""The routing table answers as a walk over all routers by priority, then name, would."""

from collections.abc import Iterable
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.http1.request import Request
from proxy.routing.table import RoutingTable
from rondpoint.model import Router
from rondpoint.rules import v3
from rondpoint.rules.conditions import literal_hosts
from rondpoint.rules.evaluate import evaluate
from rondpoint.rules.expression import And, Expression, Match, Rule
from rondpoint.rules.facts import Facts
from rondpoint.rules.patterns import PatternError
from tests.rondpoint.rules.generated import HOSTS, REQUESTS, expressions, paths

DEFAULT = frozenset({"web"})


def router(
    name: str, rule: str | Expression, priority: int = 1, entry_points: tuple[str, ...] = ()
) -> Router:
    parsed = v3.parse(rule) if isinstance(rule, str) else Rule("generated", rule)
    return Router(name, parsed, f"service-of-{name}", priority, entry_points)


def request(host: str, target: str, method: str = "GET", headers: str = "") -> Request:
    made = Request()
    made.method, made.host = method.encode(), host.encode()
    made.target, made.headers = target.encode(), headers.encode()
    return made


def table_of(*routers: Router) -> RoutingTable:
    table = RoutingTable(DEFAULT)
    for each in routers:
        table.put(each)
    return table


def served(table: RoutingTable, host: str, path: str = "/", entry_point: str = "web") -> str | None:
    found = table.match(entry_point, request(host, path), "192.0.2.1")
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
    with pytest.raises(PatternError):
        table.put(router("r", And((Match("Host", ("b.test",)), Match("PathRegexp", ("(",))))))
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


def walk(routers: Iterable[Router], entry_point: str, facts: Facts) -> Router | None:
    for each in sorted(routers, key=lambda router: (-router.priority, router.name)):
        on = set(each.entry_points) or DEFAULT
        if entry_point in on and evaluate(each.rule.expression, facts):
            return each
    return None


names = st.sampled_from([f"r{number}" for number in range(40)])
hosts = st.lists(st.sampled_from(HOSTS[:3]), min_size=1, max_size=2, unique=True).map(
    lambda chosen: Match("Host", tuple(chosen))
)
routers = st.builds(
    router,
    names,
    hosts | st.builds(lambda host, path: And((host, path)), hosts, paths) | expressions,
    st.integers(1, 3),
    st.sampled_from([(), (), ("web",), ("other",), ("other", "web")]),
)
changes = st.lists(st.one_of(routers, routers, names), max_size=60)


@settings(max_examples=300, deadline=None)
@given(changes, st.data())
def test_it_answers_as_a_walk_over_all_routers(sequence: list[Router | str], data: st.DataObject) -> None:
    table = RoutingTable(DEFAULT)
    present: dict[str, Router] = {}
    for number, change in enumerate(sequence):
        if isinstance(change, str):
            table.remove(change)
            present.pop(change, None)
        else:
            table.put(change)
            present[change.name] = change
        if number % 15 and number + 1 < len(sequence):
            continue
        assert len(table) == len(present)
        assert {each.name: each for each in table.routers()} == present
        for facts in data.draw(st.lists(st.sampled_from(REQUESTS), min_size=10, max_size=10)):
            for entry_point in ("web", "other", "third"):
                expected = walk(present.values(), entry_point, facts)
                assert table.match(entry_point, asking(facts), facts.client) is expected


def asking(facts: Facts) -> Request:
    """A request of which these are the facts."""
    query = urlencode(facts.query)
    return request(
        facts.host,
        quote(facts.path, safe="/") + (f"?{query}" if query else ""),
        facts.method,
        "".join(f"\r\n{name}: {value}" for name, values in facts.headers.items() for value in values),
    )


def test_thousands_of_prefixes_of_one_host_are_found_in_order() -> None:
    table = RoutingTable(DEFAULT)
    for number in range(2_000):
        table.put(router(f"p{number}", f"Host(`a.test`) && PathPrefix(`/p{number}/`)", number % 7 + 1))
    table.put(router("all", "Host(`a.test`)", 0))
    table.put(router("exact", "Host(`a.test`) && Path(`/p7/x`)", 9))
    assert served(table, "a.test", "/p7/y") == "p7"
    assert served(table, "a.test", "/p7/x") == "exact"
    assert served(table, "a.test", "/p2000/x") == "all"
    table.remove("p7")
    assert served(table, "a.test", "/p7/y") == "all"


def test_what_was_found_for_a_host_is_found_anew_after_each_change() -> None:
    table = table_of(router("a", "Host(`a.test`)", 5))
    assert served(table, "a.test") == "a"
    table.put(router("regexp", "HostRegexp(`^a`)", 6))
    assert served(table, "a.test") == "regexp"
    table.put(router("regexp", "HostRegexp(`^b`)", 6))
    assert [served(table, host) for host in ("a.test", "b.test")] == ["a", "regexp"]
    table.remove("regexp")
    table.put(router("better", "Host(`a.test`)", 7))
    assert [served(table, host) for host in ("a.test", "b.test")] == ["better", None]
