"""The hosts and paths that a rule can match."""

import pytest

from proxy.routing.rule_scope import Hosts, hosts_of, paths_of, remaining_expression
from rondpoint.rules import v3


@pytest.mark.parametrize(
    ("rule", "names", "patterns"),
    [
        ("Host(`a`)", "a", ""),
        ("Host(`a`) && PathPrefix(`/x`)", "a", ""),
        ("Host(`a`) || Host(`b`)", "a b", ""),
        ("(Host(`a`) || Host(`b`)) && Host(`a`)", "a", ""),
        ("Host(`a`) && Host(`b`)", "", ""),
        ("(Host(`a`) || Path(`/x`)) && Host(`b`)", "b", ""),
        ("Host(`a`) && !Host(`b`)", "a", ""),
        ("HostRegexp(`^a`)", "", "^a"),
        ("HostRegexp(`^a`) || Host(`b`)", "b", "^a"),
        ("HostRegexp(`^a`) && Host(`b`)", "b", ""),
        ("HostRegexp(`^a`) && Method(`GET`)", "", "^a"),
        ("(HostRegexp(`^a`) || HostRegexp(`^b`)) && HostRegexp(`c`)", "", "c"),
    ],
)
def test_the_only_hosts_that_a_rule_can_match(rule: str, names: str, patterns: str) -> None:
    expected = Hosts(frozenset(names.split()), frozenset(patterns.split()))
    assert hosts_of(v3.parse(rule).expression) == expected


@pytest.mark.parametrize(
    "rule", ["Host(`a`) || Path(`/x`)", "!Host(`a`)", "PathPrefix(`/`)", "!HostRegexp(`a`) && Method(`GET`)"]
)
def test_rules_that_can_match_any_host(rule: str) -> None:
    assert hosts_of(v3.parse(rule).expression) is None


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("Host(`a`)", None),
        ("HostRegexp(`a`) || HostRegexp(`b`)", None),
        ("Host(`a`) && Path(`/x`)", "Path(`/x`)"),
        ("Host(`a`) && (Host(`a`) || Host(`b`))", None),
        ("Host(`a`) && HostRegexp(`a`)", "HostRegexp(`a`)"),
        ("HostRegexp(`a`) && Path(`/x`)", "Path(`/x`)"),
        ("HostRegexp(`a`) && HostRegexp(`b`)", "HostRegexp(`b`)"),
        ("Host(`a`) && !Host(`b`)", "!Host(`b`)"),
        ("Host(`a`) || HostRegexp(`b`)", "Host(`a`) || HostRegexp(`b`)"),
        ("PathPrefix(`/x`) && Method(`GET`)", "PathPrefix(`/x`) && Method(`GET`)"),
    ],
)
def test_the_expression_left_to_test_after_the_host(rule: str, left: str | None) -> None:
    expected = None if left is None else v3.parse(left).expression
    assert remaining_expression(v3.parse(rule).expression) == expected


@pytest.mark.parametrize(
    ("rule", "exact", "prefixes"),
    [
        ("Path(`/x`)", "/x", ""),
        ("PathPrefix(`/x`)", "", "/x"),
        ("Host(`a`) && PathPrefix(`/x`)", "", "/x"),
        ("Path(`/x`) || PathPrefix(`/y`)", "/x", "/y"),
        ("PathPrefix(`/x`) && PathPrefix(`/x/y`)", "", "/x/y"),
        ("PathPrefix(`/x`) && Path(`/x/y/z`)", "/x/y/z", ""),
        ("PathPrefix(`/`) && PathPrefix(`/x`)", "", "/x"),
        ("PathRegexp(`^/api/v[0-9]`)", "", "/api/v"),
        ("PathRegexp(`^/apis?/`)", "", "/api"),
        ("PathRegexp(`^/api/{2}x`)", "", "/api"),
        ("PathRegexp(`^/api\\.x`)", "", "/api"),
    ],
)
def test_the_only_paths_that_a_rule_can_match(rule: str, exact: str, prefixes: str) -> None:
    found = paths_of(v3.parse(rule).expression)
    assert found is not None
    assert (found.exact, found.prefixes) == (set(exact.split()), set(prefixes.split()))


@pytest.mark.parametrize(
    "rule",
    [
        "Host(`a`)",
        "PathPrefix(`/`)",
        "PathPrefix(`/`) || PathPrefix(`/x`)",
        "!Path(`/x`)",
        "Path(`/x`) || Method(`GET`)",
        "PathRegexp(`/api`)",
        "PathRegexp(`^/api|^/x`)",
        "PathRegexp(`(?i)^/api`)",
        "PathRegexp(`^(?i:/api)`)",
        "PathRegexp(`^/?x`)",
        "PathRegexp(`^[/]x`)",
    ],
)
def test_rules_that_can_match_nearly_any_path(rule: str) -> None:
    assert paths_of(v3.parse(rule).expression) is None
