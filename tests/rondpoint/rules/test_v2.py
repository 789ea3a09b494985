"""The rule language of Traefik 2, for routers with `ruleSyntax=v2`."""

from __future__ import annotations

import pytest

from rondpoint.rules.errors import RuleError
from rondpoint.rules.evaluate import evaluate
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.v2 import parse
from tests.rondpoint.rules.sample_requests import facts_of, wrong_results

READ = [
    ("Host(`a.test`, `B.test`)", Match("Host", ("a.test", "b.test"))),
    ("HostHeader(`a.test`)", Match("Host", ("a.test",))),
    ("HostRegexp(`a.test`, `{sub:[a-z]+}.a.test`)",
     Match("HostRegexp", (r"(?i)^a\.test$", r"(?i)^(?:[a-z]+)\.a\.test$"))),
    ("Path(`/a`, `/b/{id:[0-9]+}`)",
     Or((Match("Path", ("/a",)), Match("PathRegexp", ("^/b/(?:[0-9]+)$",))))),
    ("PathPrefix(`/a`, `/b`)", Match("PathPrefix", ("/a", "/b"))),
    ("Method(`GET`, `post`)", Match("Method", ("GET", "POST"))),
    ("Headers(`X-A`, `b`)", Keyed("Header", "x-a", ("b",))),
    ("Headers(`X-A`, `b`, `X-C`, `d`)",
     And((Keyed("Header", "x-a", ("b",)), Keyed("Header", "x-c", ("d",))))),
    ("HeadersRegexp(`X-A`, `^b`)", Keyed("HeaderRegexp", "x-a", ("^b",))),
    ("Query(`a=b`, `c={d:[0-9]}`)",
     And((Keyed("Query", "a", ("b",)), Keyed("QueryRegexp", "c", ("^(?:[0-9])$",))))),
    ("ClientIP(`10.0.0.0/8`, `::1`)", Match("ClientIP", ("10.0.0.0/8", "::1/128"))),
    ("host(`a.test`) && !(PathPrefix(`/x`, `/y`))",
     And((Match("Host", ("a.test",)), Not(Match("PathPrefix", ("/x", "/y")))))),
]  # fmt: skip

REFUSED = [
    ("Path(`/a`, `b`)", 11, "Path: path 'b' does not start with /", "write /b"),
    ("HostRegexp(`{sub`)", 11, "HostRegexp: a { is not closed", "{name:expression}"),
    ("Headers(`X-A`)", 8, "Headers: it takes pairs of name and value", ""),
    ("Headers(`X-A`, `b`, `X B`, `c`)", 20, "Headers: 'X B' is not the name of a header", ""),
    ("Host()", 0, "Host takes one value or more, not 0", "write Host(`…`)"),
    ("Header(`X-A`, `b`)", 0, "unknown matcher Header", "write Headers(`name`, `value`) here"),
    ("PathRegexp(`^/a`)", 0, "unknown matcher PathRegexp", "Path(`/{name:expression}`)"),
]


@pytest.mark.parametrize(("text", "expression"), READ)
def test_a_rule_is_parsed(text: str, expression: Expression) -> None:
    rule = parse(text)
    assert (rule.text, rule.expression) == (text, expression)


@pytest.mark.parametrize(("text", "position", "message", "hint"), REFUSED)
def test_an_invalid_rule_gives_message_and_position(
    text: str, position: int, message: str, hint: str
) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.position) == (message, position)
    assert hint in caught.value.hint


def test_templates_match_whole_labels_and_segments() -> None:
    rule = "HostRegexp(`{sub}.a.test`) && PathPrefix(`/{version:v[0-9]}/`)"
    matching, not_matching = (
        ["x.a.test/v1/y", "X.A.TEST/v2/"],
        ["x.y.a.test/v1/", "x.a.test/v1", "x.a.test/v/"],
    )
    assert wrong_results(parse(rule).expression, matching, not_matching) == []


def test_all_headers_must_match() -> None:
    expression = parse("Headers(`X-A`, `b`, `X-C`, `d`)").expression
    lines = b"\r\nx-a: b\r\nX-C: d"
    assert evaluate(expression, facts_of(b"GET", b"h", b"/", lines, ""))
    assert not evaluate(expression, facts_of(b"GET", b"h", b"/", b"\r\nx-a: b", ""))
