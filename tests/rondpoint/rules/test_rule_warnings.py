"""Warnings about valid rules that do not mean what they seem to."""

from collections.abc import Callable

import pytest

from rondpoint.rules.rule_warnings import RuleWarning, warn_about_v1_rule, warn_about_v3_rule

V3 = [
    ("HostRegexp(`{sub:[a-z]+}.a.test`)", "{sub:[a-z]+}"),
    ("Host(`a.test`) && Path(`/users/{id}`)", "{id}"),
    ('pathprefix( "/{a-b:.*}/x")', "{a-b:.*}"),
    ("PathPrefix(`/{id:[0-9]{3}}/x`)", "{id:[0-9]{3}}"),
    ("HostRegexp(`^[a-z]{2,3}\\.a\\.test$`)", None),
    ("PathRegexp(`^/\\p{Greek}+/\\x{3b1}`)", None),
    ("Query(`a`, `{id}`) && Header(`b`, `{c}`)", None),
    ("Host(`{sub}`) || Path(`/a`)", None),
]
V1 = [
    ("HostRegexp:^a\\.test$", "'^a\\\\.test$'"),
    ("Path:/a;hostregexp: a.test, .*", "'.*'"),
    ("HostRegexp:{any:.*}", None),
    ("HostRegexp:{a:[a-z]{2}}.test,{b:(x|y)}.test;Path:/(", None),
    ("Path:/x*;PathPrefix:/HostRegexp:*", None),
]


@pytest.mark.parametrize(("text", "expected"), V3)
def test_templates_of_traefik_2_in_rules_of_traefik_3_get_a_warning(text: str, expected: str | None) -> None:
    warning = warn_about_v3_rule(text)
    assert (warning is None) == (expected is None)
    assert warning is None or warning[0].startswith(f"{expected} is a template")


@pytest.mark.parametrize(("text", "expected"), V1)
def test_expressions_outside_braces_in_rules_of_traefik_1_get_a_warning(
    text: str, expected: str | None
) -> None:
    warning = warn_about_v1_rule(text)
    assert (warning is None) == (expected is None)
    assert warning is None or warning[0].startswith(f"HostRegexp: {expected} is outside braces")


@pytest.mark.parametrize("find_warning", [warn_about_v1_rule, warn_about_v3_rule])
@pytest.mark.parametrize("begin", ["", "Path(`", "HostRegexp:"])
@pytest.mark.parametrize(
    "piece", ["HostRegexp(`{a", "HostRegexp:{", "{{", "Path(`", "{a:", "{a:{", ";HostRegexp:a{"]
)
def test_warnings_take_linear_time(
    find_warning: Callable[[str], RuleWarning | None], begin: str, piece: str
) -> None:
    """Quadratic time would take minutes with these rules. The warnings are short."""
    warning = find_warning(f"{begin}{piece * 65_536}"[:65_536])
    assert warning is None or len(warning[0]) < 200
