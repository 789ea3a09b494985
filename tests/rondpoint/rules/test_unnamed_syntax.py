"""Rules without `ruleSyntax`, of files for Traefik 2 and 3."""

from __future__ import annotations

import pytest

from rondpoint.rules import v2, v3
from rondpoint.rules.errors import RuleError
from rondpoint.rules.unnamed_syntax import parse

OF_TRAEFIK_2 = [
    ("Host(`a.test`, `b.test`)", "in that of Traefik 3 Host takes one value, not 2"),
    ("Host(`a.test`) && PathPrefix(`/a`,`/b`)", "PathPrefix takes one value, not 2"),
    ("Method(`GET`, `HEAD`) && HostHeader(`a.test`)", "Method takes one value, not 2"),
    ("Headers(`X-A`, `b`) && Path(`/`)", "unknown matcher Headers"),
    ("HostRegexp(`{any:.+}`)", "because {any:.+} is a template"),
    ('Host(`a.test`) || hostregexp("{sub:[a-z]{2}}.a.test")', "because {sub:[a-z]{2}} is a template"),
    ("HostRegexp(`{sub}.a.test`) && Headers(`X-A`, `b`)", "because {sub} is a template"),
]
OF_TRAEFIK_3 = [
    "Host(`a.test`)",
    "HostRegexp(`^[a-z]{2,3}\\.a\\.test$`)",
    "Path(`/users/{id}`)",
    "HostRegexp(`{sub}.a.test`) && Header(`X-A`, `b`)",
    "Query(`a=b`)",
]
OF_NEITHER = [
    ("Host(`a b`, `c.test`)", "Host takes one value, not 2"),
    ("HostRegexp(`[a`)", "HostRegexp: "),
    ("Host(`a.test`, `b.test`) && PathRegexp(`^/a`)", "Host takes one value, not 2"),
    ("Host:a.test", "unexpected :"),
    ("HostSNI(`*`)", "HostSNI is for TCP routers"),
    ("PathPrefixStrip(`/a`)", "unknown matcher PathPrefixStrip"),
]


@pytest.mark.parametrize(("text", "reason"), OF_TRAEFIK_2)
def test_a_rule_without_a_meaning_in_traefik_3_is_read_as_traefik_2_does(text: str, reason: str) -> None:
    rule, note = parse(text)
    assert rule == v2.parse(text)
    assert note is not None
    assert note[0].startswith("is read in the syntax of Traefik 2, because ")
    assert reason in note[0]
    assert note[1].startswith("set ruleSyntax=v2 to confirm it")


@pytest.mark.parametrize("text", OF_TRAEFIK_3)
def test_a_rule_that_traefik_3_may_match_keeps_its_meaning(text: str) -> None:
    assert parse(text) == (v3.parse(text), None)


@pytest.mark.parametrize(("text", "message"), OF_NEITHER)
def test_a_rule_of_neither_syntax_gives_the_error_of_traefik_3(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert caught.value.message.startswith(message)
