"""Which hosts are taken for the one that was meant, and how long they are looked for at a stretch."""

from difflib import get_close_matches

import pytest

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining.active_configuration import Configured
from rondpoint.explaining.explain import LISTED, explain_request
from rondpoint.explaining.similar_hosts import COMPARED, TOLD, closest
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
def test_they_are_those_that_difflib_finds(host: str) -> None:
    assert len(HOSTS) <= COMPARED
    assert closest(host, HOSTS) == get_close_matches(host, HOSTS, n=TOLD, cutoff=0.6)


def test_among_very_many_the_one_that_was_meant_is_found() -> None:
    many = [f"shop-{number}.eu-west.apps.example.test" for number in range(10 * COMPARED)]
    assert closest("shop-77.eu-west.aps.example.test", many)[0] == many[77]


class Breaths:
    """Counts them."""

    taken = 0

    def __call__(self) -> None:
        self.taken += 1


@pytest.mark.parametrize("rule", ["Host(`r{}.test`)", "PathPrefix(`/{}`)"])
def test_there_is_time_to_breathe_at_each_router(rule: str) -> None:
    routers = {
        f"r{number}": Router(f"r{number}", v3.parse(rule.format(number)), "s", 1) for number in range(MANY)
    }
    found = tuple(Diagnostic(Severity.NOTE, "docker", f"container {number}", "odd") for number in range(MANY))
    yield_if_due = Breaths()
    configured = Configured(routers, {"s": Service("s")}, {}, found, ("web",))
    way = explain_request(configured, "web", Facts("none.test", "/x"), yield_if_due)
    assert way.status == 404
    # Each is looked at to see whether it serves, then for its host or for what fails; and each diagnostic.
    assert yield_if_due.taken >= 3 * MANY
    assert way.omitted == (0 if "Host" in rule else MANY - LISTED)
