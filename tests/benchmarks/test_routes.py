from benchmarks.routes import PATTERNS, PREFIXES, SHARED_HOSTS, routers
from rondpoint.rules.expression import Match
from tests.proxy.routing.sample_requests import served, table_of


def test_so_many_routers_of_one_host_each() -> None:
    made = routers(3)
    assert [router.rule.expression for router in made.values()] == [
        Match("Host", (f"h{number}.test",)) for number in range(3)
    ]
    assert all(name == router.name for name, router in made.items())


def test_in_the_mix_every_kind_of_router_is_asked_for() -> None:
    made = routers(2, mixed=True)
    assert len(made) == 2 + PATTERNS + PREFIXES
    table = table_of(*made.values())
    asked = (
        ("h1.test", "/"),
        (f"p{PATTERNS - 1}-x.test", "/"),
        (f"shared{SHARED_HOSTS - 1}.test", f"/p{PREFIXES - 1}"),
    )
    for host, path in asked:
        assert served(table, host, path, "web"), host
    assert served(table, "shared0.test", "/p1", "web") is None
