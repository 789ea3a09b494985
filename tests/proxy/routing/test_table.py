"""The routing table: hosts, priorities, entry points, and changes."""

import pytest
from msgspec.structs import replace

from proxy.routing.over_tls import over_tls
from proxy.routing.rule_compiler import UnservedError
from proxy.routing.table import RoutingTable
from rondpoint.model import Router
from rondpoint.rules.expression import And, Expression, Keyed, Match, Rule
from tests.proxy.routing.sample_requests import Client, make_table, request, router, served


def test_a_host_finds_its_router() -> None:
    table = make_table(router("a", "Host(`a.test`)"), router("b", "Host(`b.test`)"))
    assert served(table, "a.test") == "a"
    assert served(table, "B.TEST.:8000", "/any?x") == "b"
    assert served(table, "c.test") is None
    assert served(table, "") is None


def test_routers_are_ordered_by_priority_then_name() -> None:
    table = make_table(
        router("z", "Host(`a.test`)", 5),
        router("y", "Host(`a.test`)", 5),
        router("x", "Host(`a.test`)", 4),
        router("top", "Host(`a.test`) && Path(`/top`)", 9),
    )
    assert served(table, "a.test") == "y"
    assert served(table, "a.test", "/top") == "top"


def test_rules_without_a_host_are_ordered_by_priority_too() -> None:
    table = make_table(
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


def test_a_path_prefix_matches_characters_not_segments() -> None:
    table = make_table(router("a", "PathPrefix(`/api`)"))
    assert [served(table, "h", path) for path in ("/api", "/api/", "/apix", "/ap", "/API")] == [
        "a",
        "a",
        "a",
        None,
        None,
    ]


def test_another_spelling_does_not_evade_a_rule() -> None:
    table = make_table(router("open", "PathPrefix(`/`)", 1), router("secret", "PathPrefix(`/admin`)", 2))
    for path in ("/admin", "/%61dmin", "/x/../admin", "/x/%2e%2e/admin", "/./admin", "/admin%2f", "/admin?x"):
        assert served(table, "h", path) == "secret", path


def test_entry_points() -> None:
    table = make_table(
        router("everywhere", "PathPrefix(`/`)", 1),
        router("other", "Host(`a.test`)", 9, ("other",)),
        router("both", "Host(`b.test`)", 9, ("web", "other")),
    )
    assert served(table, "a.test") == "everywhere"
    assert served(table, "a.test", entry_point="other") == "other"
    assert served(table, "b.test") == "both"
    assert served(table, "b.test", entry_point="other") == "both"
    assert served(table, "c.test", entry_point="other") is None


def test_a_router_that_changes_its_hosts_leaves_the_old_ones() -> None:
    table = make_table(router("r", "Host(`a.test`) || Host(`b.test`)"))
    table.put(router("r", "Host(`b.test`) || Host(`c.test`)"))
    assert [served(table, host) for host in ("a.test", "b.test", "c.test")] == [None, "r", "r"]
    table.put(router("r", "PathPrefix(`/x`)"))
    assert [served(table, "b.test", path) for path in ("/", "/x")] == [None, "r"]
    table.remove("r")
    table.remove("r")
    assert served(table, "b.test", "/x") is None
    assert len(table) == 0


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Match("Weather", ("fine",)), "Weather"),
        (And((Match("Host", ("a.test",)), Keyed("Cookie", "a", ("b",)))), "Cookie"),
        (Match("HostRegexp", ("(",)), "missing"),
        (Match("PathRegexp", ("a", "(?=b)")), "invalid"),
        (Match("ClientIP", ("home",)), "home"),
    ],
)
def test_a_rule_that_cannot_be_served_changes_nothing(rule: Expression, reason: str) -> None:
    table = make_table(router("r", "Host(`a.test`)"))
    with pytest.raises(UnservedError, match=reason):
        table.put(router("r", rule))
    assert served(table, "a.test") == "r"
    assert len(table) == 1


def test_host_regular_expressions() -> None:
    table = make_table(
        router("one", "HostRegexp(`^[a-z]+\\.one\\.test$`)", 5),
        router("two", "HostRegexp(`^[a-z]+\\.(one|two)\\.test$`)", 4),
        router("api", "HostRegexp(`^[a-z]+\\.one\\.test$`) && PathPrefix(`/api`)", 6),
        router("host", "Host(`a.two.test`)", 3),
        router("mixed", "Host(`lone.test`) || HostRegexp(`^b\\.two`)", 7),
    )
    hosts = ["a.one.test", "a.two.test", "A.ONE.TEST:80", "lone.test", "b.two.test", "1.one.test"]
    assert [served(table, host) for host in hosts] == ["one", "two", "one", "mixed", "mixed", None]
    assert served(table, "a.one.test", "/api/x") == "api"
    for name in ("two", "api", "one"):
        table.remove(name)
    assert [served(table, host) for host in hosts] == [None, "host", None, "mixed", "mixed", None]
    table.put(router("mixed", "HostRegexp(`^a\\.one`)"))
    assert [served(table, host) for host in hosts] == ["mixed", "host", "mixed", None, None, None]


def test_more_expressions_than_one_shard_holds() -> None:
    table = make_table(*(router(f"r{n}", f"HostRegexp(`^[a-z]+\\.r{n}\\.test$`)") for n in range(600)))
    numbers = (0, 255, 256, 511, 599)
    assert [served(table, f"a.r{n}.test") for n in numbers] == [f"r{n}" for n in numbers]
    for number in range(600):
        if number not in numbers:
            table.remove(f"r{number}")
    assert [served(table, f"a.r{n}.test") for n in (*numbers, 300)] == [*(f"r{n}" for n in numbers), None]


def test_expressions_too_large_for_one_set() -> None:
    large = [router(f"r{n}", f"HostRegexp(`^(x{n}[a-z]{{1,200}}y){{1,5}}\\.test$`)") for n in range(200)]
    table = make_table(*large)
    assert served(table, "x7aaay.test") == "r7"
    assert served(table, "x199byx199cy.test") == "r199"
    assert served(table, "x200by.test") is None


def test_the_cache_of_hosts_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.routing.host_patterns.MAX_CACHED_HOSTS", 3)
    monkeypatch.setattr("proxy.routing.route_index.MAX_CACHED_HOSTS", 3)
    table = make_table(router("r", "HostRegexp(`^[a-z]+\\.test$`)"))
    for _ in range(2):
        for host in ("a.test", "b.test", "1.test", "c.test", "d.test"):
            assert served(table, host) == (None if host == "1.test" else "r")
            assert served(table, f"{host}:80") == (None if host == "1.test" else "r")
            assert len(table._normalised) <= 3
            assert len(table._by_pattern._cache) <= 3


def test_many_paths_under_one_host() -> None:
    table = make_table(
        router("host", "Host(`a.test`)", 1),
        router("long", "Host(`a.test`) && PathPrefix(`/p7/deep`)", 3),
        router("exact", "Host(`a.test`) && Path(`/p8`)", 9),
        router("pattern", "Host(`a.test`) && PathRegexp(`^/v[0-9]+/`)", 2),
        *(router(f"p{n}", f"Host(`a.test`) && PathPrefix(`/p{n}`)", 2) for n in range(100)),
    )
    expected = {
        "/p7": "p7",
        "/p7/deep/x": "long",
        "/p8": "exact",
        "/p8/": "p8",
        "/p77": "p7",
        "/v1/x": "pattern",
    }
    assert {path: served(table, "a.test", path) for path in expected} == expected
    assert served(table, "a.test", "/else") == "host"
    for name in ("long", "p7", "exact"):
        table.remove(name)
    assert [served(table, "a.test", path) for path in ("/p7/deep", "/p77", "/p8")] == ["host", "p77", "p8"]


def test_method_header_query_and_client_ip() -> None:
    table = make_table(
        router("post", "Method(`POST`)", 1),
        router("header", "Header(`X-A`, `one`)", 2),
        router("query", "Query(`q`, `a b`)", 3),
        router("inside", "ClientIP(`192.0.2.0/24`) && Path(`/inside`)", 4),
        router("agent", "HeaderRegexp(`User-Agent`, `(?i)robot`)", 5),
        router("flag", "Query(`flag`)", 6),
    )
    lines = b"\r\nX-a: \tone \r\nUser-Agent: a"
    requests = {
        "post": request("a", method="POST"),
        "header": request("a", headers=lines),
        "query": request("a", "/?x=1&q=a+b", headers=lines),
        "inside": request("a", "/inside"),
        "agent": request("a", headers=b"\r\nuser-agent: x\r\nUSER-AGENT: Robot/1.0"),
        "flag": request("a", "/?flag"),
    }
    for name, each in requests.items():
        found = table.match("web", each, Client())
        assert found is not None, name
        assert found.router.name == name
    for client in (Client("198.51.100.1"), Client("2001:db8::1"), Client("")):
        assert table.match("web", requests["inside"], client) is None


def test_rules_see_headers_that_are_not_forwarded() -> None:
    table = make_table(
        router("socket", "Header(`Upgrade`, `websocket`) && HeaderRegexp(`Connection`, `(?i)upgrade`)", 3),
        router("long", "HeaderRegexp(`Content-Length`, `^[0-9]{7,}$`)", 3),
        router("inner", "HeaderRegexp(`X-Forwarded-For`, `^10\\.`)", 2),
        router("tls", "Header(`X-Forwarded-Proto`, `https`)", 1),
    )
    upgrade = request("a", upgrade=b"websocket")
    direct = Client("10.0.0.1", b"\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https")
    through = Client("192.0.2.1", b"\r\nX-Forwarded-For: 10.0.0.1, 192.0.2.1\r\nX-Forwarded-Proto: http")
    names = []
    upload = request("a", length=10_000_000)
    for client_request, client in (
        (upgrade, Client()),
        (upload, Client()),
        (request("a"), direct),
        (request("a"), through),
    ):
        found = table.match("web", client_request, client)
        assert found is not None
        names.append(found.router.name)
    # The peer's own address is added only for the server.
    assert names == ["socket", "long", "tls", "inner"]
    for client_request in (request("a"), request("a", length=0)):
        assert table.match("web", client_request, Client()) is None


def test_a_router_with_tls_serves_only_requests_over_tls() -> None:
    table = RoutingTable(frozenset({"web", "secure"}), dict.fromkeys(("secure", "other"), ""))
    default, named = (
        router("default", "Host(`a.test`)"),
        router("named", "Host(`b.test`)", 1, ("web", "other")),
    )
    for each in (default, named):
        table.put(replace(each, tls=True))
    points = ("web", over_tls("web"), "secure", "other")

    def found(host: str) -> list[str | None]:
        return [served(table, host, entry_point=point) for point in points]

    assert found("a.test") == [None, "default", "default", None]
    assert found("b.test") == [None, "named", None, "named"]
    table.put(default)
    assert found("a.test") == ["default", None, "default", None]


def test_the_table_knows_whether_an_entry_point_has_routers_with_tls() -> None:
    table = RoutingTable(frozenset({"web", "secure"}), {"secure": ""})
    points = ("web", over_tls("web"), over_tls("other"), "secure")

    def found() -> list[bool]:
        return [table.has_tls_router(point) for point in points]

    plain, secure = router("r", "Host(`a.test`)"), replace(router("r", "Host(`b.test`)"), tls=True)
    other = replace(router("other", "Host(`c.test`)", 1, ("other",)), tls=True)
    table.put(plain)
    assert found() == [False, False, False, False]
    table.put(secure)
    table.put(secure)
    assert found() == [False, True, False, True]
    table.put(other)
    assert found() == [False, True, True, True]
    table.put(plain)
    assert found() == [False, False, True, False]
    table.remove("other")
    assert found() == [False, False, False, False]


def child(name: str, rule: str, *parents: str, priority: int = 1) -> Router:
    return replace(router(name, rule, priority), parents=parents)


def served_below(table: RoutingTable, parent: str, host: str, target: str = "/") -> str | None:
    found = table.match_child(parent, request(host, target), Client())
    return found.router.name if found else None


def test_child_routers_compete_below_their_parents_only() -> None:
    table = make_table(
        router("root", "Host(`a.test`)"),
        child("one", "Host(`a.test`)", "root", priority=9),
        child("two", "PathPrefix(`/x`)", "root", "other", priority=99),
    )
    assert (served(table, "a.test", "/x"), served(table, "b.test", "/x")) == ("root", None)
    assert served_below(table, "root", "a.test", "/x") == "two"
    assert served_below(table, "root", "A.test:80", "/") == "one"
    assert served_below(table, "root", "b.test") is None
    assert served_below(table, "other", "a.test", "/x") == "two"
    assert served_below(table, "unknown", "a.test", "/x") is None


def test_a_router_changes_its_parents() -> None:
    table = make_table(child("a", "Path(`/x`)", "p", "q"))
    table.put(child("a", "Path(`/x`)", "q", "r"))
    assert [served_below(table, parent, "h", "/x") for parent in "pqr"] == [None, "a", "a"]
    table.put(router("a", "Path(`/x`)"))
    assert [served_below(table, parent, "h", "/x") for parent in "pqr"] == [None, None, None]
    assert served(table, "h", "/x") == "a"
    table.put(child("a", "Path(`/x`)", "p"))
    assert (served(table, "h", "/x"), served_below(table, "p", "h", "/x")) == (None, "a")
    table.remove("a")
    assert (len(table), served_below(table, "p", "h", "/x")) == (0, None)
    assert not table._children


def test_a_child_that_no_request_matches_can_be_removed() -> None:
    """A host that is not normalised is in no index, but its router counts."""
    table = make_table(child("odd", "Path(`/x`)", "p"))
    table.put(replace(child("a", "Path(`/x`)", "p"), rule=Rule("", Match("Host", ("A.test",)))))
    table.remove("odd")
    table.remove("a")
    assert not table._children


def test_a_rule_that_is_not_served_leaves_the_child_as_it_was() -> None:
    table = make_table(child("a", "Path(`/x`)", "p"))
    unserved = replace(child("a", "Path(`/y`)", "p", "q"), rule=Rule("", Match("Unknown", ("x",))))
    with pytest.raises(UnservedError):
        table.put(unserved)
    assert [served_below(table, "p", "h", path) for path in ("/x", "/y")] == ["a", None]
    assert served_below(table, "q", "h", "/y") is None
