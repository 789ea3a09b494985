"""The search for similar hosts: what it finds, and how often it yields."""

from difflib import get_close_matches

import pytest

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.explain import MAX_LISTED, explain_request
from rondpoint.explaining.similar_hosts import MAX_COMPARED, MAX_SUGGESTIONS, closest_hosts
from rondpoint.model import Router, Service
from rondpoint.rules import v3
from rondpoint.rules.request_facts import Facts

MANY = 1000
HOSTS = [f"{name}-{number}.{zone}.test" for number in range(9) for name in ("shop", "pay") for zone in "abc"]


@pytest.mark.parametrize(
    "host",
    [
        "shop-1.a.test",
        "shp-1.a.test",
        "shop.test",
        "pay-7.c.tset",
        "other.example",
        "",
        "x",
        HOSTS[3] + ".org",
    ],
)
def test_the_search_finds_what_difflib_finds(host: str) -> None:
    assert len(HOSTS) <= MAX_COMPARED
    assert closest_hosts(host, HOSTS) == get_close_matches(host, HOSTS, n=MAX_SUGGESTIONS, cutoff=0.6)


def test_the_intended_host_is_found_among_very_many() -> None:
    many = [f"shop-{number}.eu-west.apps.example.test" for number in range(10 * MAX_COMPARED)]
    assert closest_hosts("shop-77.eu-west.aps.example.test", many)[0] == many[77]


class YieldCounter:
    """Counts the calls of `yield_if_due`."""

    count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.mark.parametrize("rule", ["Host(`r{}.test`)", "PathPrefix(`/{}`)"])
def test_the_explanation_yields_at_each_router(rule: str) -> None:
    routers = {
        f"r{number}": Router(f"r{number}", v3.parse(rule.format(number)), "s", 1) for number in range(MANY)
    }
    found = tuple(Diagnostic(Severity.NOTE, "docker", f"container {number}", "odd") for number in range(MANY))
    yield_if_due = YieldCounter()
    configuration = ActiveConfiguration(routers, {"s": Service("s")}, {}, found, ("web",))
    explanation = explain_request(configuration, "web", Facts("none.test", "/x"), yield_if_due)
    assert explanation.status == 404
    # It yields at each router twice (candidates, then hosts or matchers), and at each diagnostic.
    assert yield_if_due.count >= 3 * MANY
    assert explanation.omitted == (0 if "Host" in rule else MANY - MAX_LISTED)
