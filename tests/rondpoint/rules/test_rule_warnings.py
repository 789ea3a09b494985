"""Rules that can be read and do not mean what they look like."""

from collections.abc import Callable

import pytest

from rondpoint.rules.rule_warnings import Caution, in_v1, in_v3

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


@pytest.mark.parametrize(("text", "named"), V3)
def test_templates_of_traefik_2_are_told_in_rules_of_traefik_3(text: str, named: str | None) -> None:
    told = in_v3(text)
    assert (told is None) == (named is None)
    assert told is None or told[0].startswith(f"{named} is a template")


@pytest.mark.parametrize(("text", "named"), V1)
def test_expressions_outside_of_braces_are_told_in_rules_of_traefik_1(text: str, named: str | None) -> None:
    told = in_v1(text)
    assert (told is None) == (named is None)
    assert told is None or told[0].startswith(f"HostRegexp: {named} is outside of braces")


@pytest.mark.parametrize("tell", [in_v1, in_v3])
@pytest.mark.parametrize("begin", ["", "Path(`", "HostRegexp:"])
@pytest.mark.parametrize(
    "piece", ["HostRegexp(`{a", "HostRegexp:{", "{{", "Path(`", "{a:", "{a:{", ";HostRegexp:a{"]
)
def test_no_rule_takes_long(tell: Callable[[str], Caution | None], begin: str, piece: str) -> None:
    """In the time of its square, these would take minutes; and what is told is short."""
    told = tell(f"{begin}{piece * 65_536}"[:65_536])
    assert told is None or len(told[0]) < 200
