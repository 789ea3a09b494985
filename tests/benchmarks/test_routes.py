"""Tests of the routers of the routes benchmark."""

from benchmarks.routes import PATTERNS, PREFIXES, SHARED_HOSTS, routers
from rondpoint.rules.expression import Match
from tests.proxy.routing.sample_requests import make_table, served


def test_routers_have_one_host_each() -> None:
    created = routers(3)
    assert [router.rule.expression for router in created.values()] == [
        Match("Host", (f"h{number}.test",)) for number in range(3)
    ]
    assert all(name == router.name for name, router in created.items())


def test_mixed_routers_match_requests_of_every_kind() -> None:
    created = routers(2, mixed=True)
    assert len(created) == 2 + PATTERNS + PREFIXES
    table = make_table(*created.values())
    requests = (
        ("h1.test", "/"),
        (f"p{PATTERNS - 1}-x.test", "/"),
        (f"shared{SHARED_HOSTS - 1}.test", f"/p{PREFIXES - 1}"),
    )
    for host, path in requests:
        assert served(table, host, path, "web"), host
    assert served(table, "shared0.test", "/p1", "web") is None
