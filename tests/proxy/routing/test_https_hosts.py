"""The hosts of HTTP routers over TLS, by which TCP routers leave connections to them."""

from __future__ import annotations

import pytest

from proxy.routing.table import RoutingTable
from rondpoint.model import Router
from rondpoint.rules import v3
from rondpoint.rules.hosts import wildcard, wildcard_of_pattern


def router(name: str, rule: str, **options: object) -> Router:
    return Router(name, v3.parse(rule), "s", 1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("followed", [True, False], ids=["followed before", "followed after"])
def test_hosts_are_those_of_routers_over_tls(followed: bool) -> None:
    table = RoutingTable(frozenset(("web", "secure")), {"secure": ""})
    if followed:
        assert not table.https_hosts("web").routers
    table.put(router("a@x", "Host(`a.test`) && !Host(`not.test`)", tls=True, entry_points=("web",)))
    table.put(router("w@x", "Host(`*.w.test`)", tls=True, entry_points=("web",)))
    table.put(router("p@x", "Host(`plain.test`)"))
    table.put(router("child@x", "Host(`child.test`)", tls=True, parents=("a@x",)))
    web, secure = table.https_hosts("web"), table.https_hosts("secure")
    for name, included in {
        "a.test": True,
        "not.test": True,
        "x.w.test": True,
        "w.test": False,
        "y.x.w.test": False,
        "plain.test": False,
        "child.test": False,
        "": False,
    }.items():
        assert web.includes(name) is included, name
    assert (web.routers, web.anywhere) == (2, 0)
    assert secure.includes("plain.test")
    assert not secure.includes("a.test")
    table.put(router("a@x", "PathPrefix(`/`)", tls=True, entry_points=("web",)))
    assert not web.includes("a.test")
    assert (web.routers, web.anywhere) == (2, 1)
    for name in ("a@x", "w@x", "p@x", "child@x"):
        table.remove(name)
    assert (web.routers, web.anywhere, secure.routers) == (0, 0, 0)


@pytest.mark.parametrize("host", ["*.a.test", "*.x-y.a.test", "*.test"])
def test_a_wildcard_is_found_in_its_expression(host: str) -> None:
    pattern = wildcard(host)
    assert pattern is not None
    assert wildcard_of_pattern(pattern) == host


@pytest.mark.parametrize("pattern", ["^", "a", r"^[^.]+\.a.test$", r"^[^.]+\.(a|b)$", r"^[^.]+\.a\.test"])
def test_other_expressions_have_no_wildcard(pattern: str) -> None:
    assert wildcard_of_pattern(pattern) is None
