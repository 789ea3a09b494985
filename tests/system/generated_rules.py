"""Random rules, the same in every run, and requests that some of their matchers match."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.system.rules_of_traefik import Routers, SampleRequest, one_router

MATCHERS = (
    "Path(`/a`)",
    "PathPrefix(`/a/b`)",
    "PathRegexp(`^/[ab]/?`)",
    "Method(`POST`)",
    "Query(`q`, `1`)",
    "QueryRegexp(`q`, `^[12]$`)",
    "Header(`X-A`, `1`)",
    "HeaderRegexp(`X-A`, `^[12]$`)",
    "HostRegexp(`^a`)",
    "ClientIP(`127.0.0.0/8`)",
    "ClientIP(`10.0.0.0/8`)",
)
PATHS = ("/a", "/a/b", "/a/bc", "/b", "/%61", "/a/../b")
QUERIES = ("", "?q=1", "?q=2", "?q=3&q=1", "?r")
LINES = ((), ("X-A: 1",), ("X-A: 2", "X-A: 3"))
METHODS = ("GET", "POST")


def rows(count: int, requests: int) -> dict[str, tuple[Routers, list[Any]]]:
    """Return `count` rules with `requests` requests to each."""
    random = Random(count)
    return {
        f"generated-{number}": (
            one_router(f"Host(`{{n}}.test`) && ({_rule(random, 3)})"),
            list(dict.fromkeys(_request(random) for _ in range(requests))),
        )
        for number in range(count)
    }


def _rule(random: Random, depth: int) -> str:
    shape = random.choice(("matcher", "and", "or", "not", "group") if depth else ("matcher",))
    if shape == "matcher":
        return random.choice(MATCHERS)
    if shape == "not":
        return f"!{_term(random, depth - 1)}"
    if shape == "group":
        return f"({_rule(random, depth - 1)})"
    joined = " && " if shape == "and" else " || "
    return joined.join(_rule(random, depth - 1) for _ in range(random.randint(2, 3)))


def _term(random: Random, depth: int) -> str:
    inner = _rule(random, depth)
    return inner if inner in MATCHERS else f"({inner})"


def _request(random: Random) -> SampleRequest:
    target = random.choice(PATHS) + random.choice(QUERIES)
    return SampleRequest(f"{random.choice(METHODS)} {{n}}.test{target}", random.choice(LINES))
