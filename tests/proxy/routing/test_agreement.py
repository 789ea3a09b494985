"""The routing table returns the same router as testing all routers by priority, then name."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.http1.request import Request
from proxy.routing.table import RoutingTable
from rondpoint.model import Router
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from tests.proxy.routing.sample_requests import DEFAULT, Client, request, router, walk

HOSTS = ("a.test", "b.test", "sub.a.test", "A.test", "")
HOST_PATTERNS = ("^a", r"^[a-z]+\.a\.test$", "test$", "^(a|b)\\.", "")
PATHS = ("/", "/api", "/api/v1", "/apix", "/x")
PATH_PATTERNS = ("^/api/v[0-9]", "^/ap?i?x?$", "x$", "^/(api|x)", "(?i)^/API", "^/api|^/x", r"^/api\d*")
VALUES = ("", "one", "two words", "é")
NETWORKS = ("192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32", "::/0")
CLIENTS = ("192.0.2.1", "198.51.100.7", "2001:db8::1", "")


def matchers(kind: str, values: tuple[str, ...]) -> st.SearchStrategy[Match]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(
        lambda chosen: Match(kind, tuple(chosen))
    )


def combined(items: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(items, min_size=2, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | items.map(Not)


hosts = matchers("Host", HOSTS)
hosts_by_pattern = matchers("HostRegexp", HOST_PATTERNS)
paths = matchers("Path", PATHS) | matchers("PathPrefix", PATHS) | matchers("PathRegexp", PATH_PATTERNS)
keyed = st.builds(
    lambda kind, key, values: Keyed(kind, key, tuple(values)),
    st.sampled_from(["Header", "HeaderRegexp", "Query", "QueryRegexp"]),
    st.sampled_from(["x-a", "x-b"]),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True),
)
expressions = st.recursive(
    st.one_of(
        hosts,
        paths,
        keyed,
        hosts_by_pattern,
        matchers("Method", ("GET", "POST", "NOTIFY")),
        matchers("ClientIP", NETWORKS),
    ),
    combined,
    max_leaves=6,
)
under_a_host = st.builds(
    lambda *items: And(items), hosts | hosts_by_pattern, paths | expressions, hosts_by_pattern | expressions
) | st.builds(lambda host, path: And((host, path)), hosts | hosts_by_pattern, paths)
routers = st.builds(
    router,
    st.sampled_from([f"r{number}" for number in range(12)]),
    st.one_of(hosts, hosts_by_pattern, under_a_host, paths, expressions),
    st.integers(1, 6),
    st.sampled_from([(), (), (), ("web",), ("other",), ("other", "web")]),
)
removals = st.sampled_from([f"r{number}" for number in range(12)])
changes = st.lists(st.one_of(routers, routers, routers, removals), min_size=10, max_size=30)


def lines(headers: list[tuple[str, str]]) -> bytes:
    return b"".join(f"\r\n{name}: {value}".encode() for name, value in headers)


requests = st.builds(
    lambda host, target, query, method, headers: request(host, target + query, method, lines(headers)),
    st.sampled_from((*HOSTS, "a.test:8080", "B.TEST.", "other.test", "[::1]:80", "sub.a.test")),
    st.sampled_from((*PATHS, "/%61pi", "/x/../api/v1", "//api", "/api/v1/more", "/API", "*", "/api%2Fv1")),
    st.sampled_from(("", "?", "?x-a=one", "?x-a=two+words&x-b=%C3%A9", "?x-a=one;x-b=one", "?x-b&x-b=one")),
    st.sampled_from(("GET", "POST", "get")),
    st.lists(st.tuples(st.sampled_from(("X-A", "x-b", "X-C")), st.sampled_from(VALUES)), max_size=3),
)


@settings(max_examples=600, deadline=None)
@given(changes, st.lists(st.tuples(requests, st.sampled_from(CLIENTS)), min_size=8, max_size=12))
def test_the_table_agrees_with_testing_all_routers(
    sequence: list[Router | str], requests: list[tuple[Request, str]]
) -> None:
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
        assert table.routers == present
        for each, peer in requests:
            for entry_point in ("web", "other", "third"):
                expected = walk(present.values(), entry_point, each, Client(peer))
                found = table.match(entry_point, each, Client(peer))
                assert (found.router if found else None) is expected
    for name in present:
        table.remove(name)
    assert not table._by_host
    assert not table._anywhere
    assert not table._orders_anywhere
    assert not table._by_pattern._indexes


@settings(max_examples=100, deadline=None)
@given(st.lists(routers, min_size=5, max_size=20), st.lists(requests, min_size=8, max_size=12))
def test_children_are_found_like_root_routers(chosen: list[Router], requests: list[Request]) -> None:
    roots, below = RoutingTable(DEFAULT), RoutingTable(DEFAULT)
    for each in chosen:
        root = replace(each, entry_points=())
        roots.put(root)
        below.put(replace(root, parents=("p",)))
    for each in requests:
        expected = roots.match("web", each, Client())
        found = below.match_child("p", each, Client())
        assert (found and found.router.name) == (expected and expected.router.name)
        assert below.match("web", each, Client()) is None
