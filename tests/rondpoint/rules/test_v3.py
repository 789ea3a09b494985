"""The rule language of Traefik 3."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.rules.errors import RuleError
from rondpoint.rules.evaluate import evaluate, explain
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.rule_text import format_expression
from rondpoint.rules.v3 import MAX_DEPTH, MAX_LENGTH, parse
from tests.rondpoint.rules.generated import REQUESTS, expressions
from tests.rondpoint.rules.sample_requests import facts, facts_of, wrong_results

A, B = Match("Host", ("a.test",)), Match("Host", ("b.test",))
API, PRIVATE = Match("PathPrefix", ("/api",)), Match("Path", ("/private",))

READ = [
    ("Host(`a.test`)", A),
    ('Host("a.test")', A),
    ("host(`a.test`)", A),
    ("HOST(`A.Test.`)", A),
    ("Host(`a.test:8080`)", A),
    ("Host(`[::1]:80`)", Match("Host", ("[::1]",))),
    ("Host(`::1`)", Match("Host", ("[::1]",))),
    ("Host(`[2001:DB8:0:0::7]`)", Match("Host", ("[2001:db8::7]",))),
    (r'Path("/private")', PRIVATE),
    (r'Path("/caf\u00e9\t\"\x41")', Match("Path", ('/café\t"A',))),
    (r"Path(`/a\b`)", Match("Path", (r"/a\b",))),
    ("Host(`Bücher.test`)", Match("Host", ("xn--bcher-kva.test",))),
    ("Host(`*.a.test`)", Match("HostRegexp", (r"^[^.]+\.a\.test$",))),
    ("Host(`*`)", Match("HostRegexp", ("^",))),
    ("HostRegexp(`^a+$`) || HostRegexp(`b`)", Match("HostRegexp", ("^a+$", "b"))),
    ("Path(`/%61//b/../c d/%2f`)", Match("Path", ("/a/c d/%2F",))),
    ("PathRegexp(`^/a/[0-9]+$`)", Match("PathRegexp", ("^/a/[0-9]+$",))),
    ("Method(`get`)", Match("Method", ("GET",))),
    ("ClientIP(`10.0.0.1/8`)", Match("ClientIP", ("10.0.0.0/8",))),
    ("ClientIP(`::1`)", Match("ClientIP", ("::1/128",))),
    ("ClientIP(`::ffff:10.1.2.3`)", Match("ClientIP", ("10.1.2.3/32",))),
    ("ClientIP(`::ffff:10.0.0.0/104`)", Match("ClientIP", ("10.0.0.0/8",))),
    ("ClientIP(`::/0`)", Match("ClientIP", ("::/0",))),
    ("Header(`X-A`, `b`)", Keyed("Header", "x-a", ("b",))),
    ("HeaderRegexp(`X-A`, `^b`)", Keyed("HeaderRegexp", "x-a", ("^b",))),
    ("Query(`a`, `b`)", Keyed("Query", "a", ("b",))),
    ("Query(`a`)", Keyed("Query", "a", ("",))),
    ("QueryRegexp(`a`)", Keyed("Query", "a", ("",))),
    ("QueryRegexp(`a`, `^b$`)", Keyed("QueryRegexp", "a", ("^b$",))),
    ("Host(`a.test`) && PathPrefix(`/api`)", And((A, API))),
    ("Host(`a.test`)\n  &&\tPathPrefix(`/api`)\n", And((A, API))),
    ("Host(`a.test`)&&PathPrefix(`/api`)&&Path(`/private`)", And((A, API, PRIVATE))),
    ("Host(`a.test`)&&(PathPrefix(`/api`)&&Path(`/private`))", And((A, API, PRIVATE))),
    ("Host(`a.test`) || PathPrefix(`/api`)", Or((A, API))),
    ("Host(`a.test`) || Host(`b.test`)", Match("Host", ("a.test", "b.test"))),
    (
        "Host(`a.test`) || PathPrefix(`/api`) || Host(`b.test`)",
        Or((Match("Host", ("a.test", "b.test")), API)),
    ),
    ("Host(`a.test`) || Host(`a.test`)", A),
    ("Host(`a.test`) && Host(`b.test`)", And((A, B))),
    ("!Path(`/private`)", Not(PRIVATE)),
    ("!!Path(`/private`)", PRIVATE),
    ("!Host(`a.test`) && PathPrefix(`/api`)", And((Not(A), API))),
    ("!(Host(`a.test`) && PathPrefix(`/api`))", Not(And((A, API)))),
    ("Host(`a.test`) || PathPrefix(`/api`) && Path(`/private`)", Or((A, And((API, PRIVATE))))),
    ("(Host(`a.test`) || PathPrefix(`/api`)) && Path(`/private`)", And((Or((A, API)), PRIVATE))),
]

REFUSED = [
    ("", 0, "the rule is empty", "Host(`app.example.com`)"),
    (" \n", 0, "the rule is empty", ""),
    ("Hots(`a.test`)", 0, "unknown matcher Hots", "did you mean Host?"),
    ("Host(`a.test`) && Foo(`b`)", 18, "unknown matcher Foo", ""),
    ("Host(`a`, `b`)", 0, "Host takes one value, not 2", "write Host(`a`) || Host(`b`)"),
    ("Host()", 0, "Host takes one value, not 0", ""),
    ("Host(`a`", 8, "the rule ends too early", "expected , or )"),
    ("Host(`a`) &&", 12, "the rule ends too early", "a matcher"),
    ("Host(`a`) & Path(`/`)", 10, "unexpected &", "write &&"),
    ("Host(`a`) Path(`/`)", 10, "unexpected Path", "expected the end of the rule or && or ||"),
    ("Host(`a`))", 9, "unexpected )", ""),
    ("Host(`a)", 5, "this ` is not closed", ""),
    ("Host('a')", 5, "unexpected '", "back quotes"),
    ("Host(a)", 5, "unexpected a", "back quotes"),
    ("Host:a.test;PathPrefix:/x", 4, "unexpected :", "write Host(`a.test`) here"),
    ("Host(`a b`)", 5, "Host: 'a b' is not a host name", "app.example.com"),
    ("Host(`http://A.test/x`)", 5, "Host: 'http://A.test/x' is not a host name", "the name alone: A.test"),
    ("Host(`a.test/x`)", 5, "Host: 'a.test/x' is not a host name", "paths are for Path and PathPrefix"),
    ("Host(`{sub}.a.test`)", 5, "Host: '{sub}.a.test' is not a host name", "patterns are for HostRegexp"),
    (
        "HostRegexp(`*.a`)",
        11,
        "HostRegexp: '*.a' is no regular expression: no argument for repetition operator: *",
        "write .* for any characters",
    ),
    ("Host(``)", 5, "Host: '' is not a host name", ""),
    ("Host(`[::1::]`)", 5, "Host: '[::1::]' is not a host name", ""),
    ("Host(`a.*.test`)", 5, "Host: host 'a.*.test' has a * that is not its first label", "*.example.com"),
    ("HostRegexp(`café`)", 11, "HostRegexp: 'café' has characters outside ASCII", "xn--"),
    ("Path(`x`)", 5, "Path: path 'x' does not start with /", "write /x"),
    ("PathPrefix(``)", 11, "PathPrefix: path '' does not start with /", ""),
    (r'Path("/\q")', 7, r"unknown escape \q", ""),
    (r'Path("/\ud800")', 7, r"unknown escape \ud800", ""),
    ("HostRegexp(`(`)", 11, "HostRegexp: '(' is no regular expression: missing ): (", "RE2"),
    (
        r"PathRegexp(`(a)\1`)",
        11,
        r"PathRegexp: '(a)\\1' is no regular expression: invalid escape sequence: \1",
        "RE2",
    ),
    ("Path(`/a?b`)", 5, "Path: path '/a?b' has a ?, which no path can have", "Query"),
    ("Method(`A B`)", 7, "Method: 'A B' is not a method", "GET"),
    ("Header(`K`)", 0, "Header takes two values, not 1", "Header(`name`, `value`)"),
    ("Header(`a b`, `v`)", 7, "Header: 'a b' is not the name of a header", ""),
    ("HeaderRegexp(`K`, `(`)", 18, "HeaderRegexp: '(' is no regular expression: missing ): (", ""),
    ("Query(`a`, `b`, `c`)", 0, "Query takes one value or two values, not 3", ""),
    ("clientip(`10.0.0.0/99`)", 9, "ClientIP: '10.0.0.0/99' is neither an address nor a network", "/8"),
    ("Headers(`a`, `b`)", 0, "unknown matcher Headers", "write Header(`name`, `value`) here"),
    ("PathPrefixStrip(`/a`)", 0, "unknown matcher PathPrefixStrip", "a stripPrefix middleware"),
    ("HostSNI(`*`)", 0, "HostSNI is for TCP routers", "Host"),
]


@pytest.mark.parametrize(("text", "expression"), READ)
def test_a_rule_is_parsed(text: str, expression: Expression) -> None:
    rule = parse(text)
    assert rule.expression == expression
    assert rule.text == text


@pytest.mark.parametrize(("text", "position", "message", "hint"), REFUSED)
def test_an_invalid_rule_gives_message_and_position(
    text: str, position: int, message: str, hint: str
) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.position) == (message, position)
    assert hint in caught.value.hint


def test_the_caret_is_under_the_error() -> None:
    with pytest.raises(RuleError) as caught:
        parse("Host(`a.test`)\n&& Hots(`b`)")
    assert str(caught.value).splitlines() == [
        "unknown matcher Hots (did you mean Host?)",
        "  Host(`a.test`) && Hots(`b`)",
        "                    ^",
    ]


def test_of_a_long_rule_only_the_text_around_the_error_is_shown() -> None:
    with pytest.raises(RuleError) as caught:
        parse(" || ".join(f"Host(`h{number}.test`)" for number in range(100)) + " || Hots(`x`)")
    _, excerpt, caret = str(caught.value).splitlines()
    assert len(excerpt) < 130
    assert excerpt[caret.index("^") :] == "Hots(`x`)"


def test_parentheses_may_be_nested_without_limit() -> None:
    assert parse("(" * 5_000 + "Host(`a.test`)" + ")" * 5_000).expression == A


def test_a_tree_deeper_than_is_safe_to_walk_is_refused() -> None:
    def nested(levels: int) -> str:
        return "Host(`a`) && !(" * levels + "Host(`a`)" + ")" * levels

    parse(nested(MAX_DEPTH // 2))
    with pytest.raises(RuleError, match="nested more than"):
        parse(nested(MAX_DEPTH // 2 + 1))
    with pytest.raises(RuleError, match="nested more than"):
        parse(nested(4_000))


def test_a_rule_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(RuleError, match="longer than"):
        parse("Host(`" + "a" * MAX_LENGTH + "`)")


def test_a_rule_of_a_thousand_hosts_is_one_matcher() -> None:
    expression = parse(" || ".join(f"Host(`h{number}.test`)" for number in range(1_000))).expression
    assert isinstance(expression, Match)
    assert len(expression.values) == 1_000


# From Traefik 3's documentation and tests: a rule, requests that it matches, and requests that it does not.
EXAMPLES = [
    ("Host(`example.com`)", ["example.com/", "EXAMPLE.com:80/x", "example.com./"], ["a.example.com/", "/"]),
    ("Host(`*.example.com`)", ["a.example.com/"], ["example.com/", "a.b.example.com/", "aexample.com/"]),
    ("HostRegexp(`^.+\\.example\\.com$`)", ["a.example.com/", "A.B.example.com:1/"], ["example.com/"]),
    ("HostRegexp(`ample`)", ["example.com/"], ["a.test/"]),
    ("Path(`/products`)", ["h/products", "h/products?x=1", "h/%70roducts"], ["h/products/", "h/Products"]),
    ("Path(`/a b`)", ["h/a%20b"], ["h/a+b", "h/ab"]),
    ("Path(`/é`)", ["h/%C3%A9"], ["h/e"]),
    ("PathPrefix(`/products`)", ["h/products", "h/products/x", "h/productsx"], ["h/", "h/Products"]),
    ("PathPrefix(`/a/b`)", ["h/a/x/../b", "h//a/b"], ["h/a%2fb"]),
    ("PathRegexp(`\\.(jpeg|png)$`)", ["h/a.png", "h/a.jpeg?b"], ["h/a.PNG", "h/png"]),
    ("PathRegexp(`(?i)\\.(jpeg|png)$`)", ["h/a.PNG"], ["h/a.gif"]),
    ("Method(`OPTIONS`)", ["OPTIONS h/"], ["h/"]),
    (
        "Query(`mobile`, `true`)",
        ["h/?mobile=true", "h/?a&mobile=x&mobile=true"],
        ["h/?mobile=tru", "h/mobile"],
    ),
    ("Query(`mobile`)", ["h/?mobile", "h/?mobile="], ["h/?mobile=true", "h/"]),
    ("Query(`a`, `b c`)", ["h/?a=b+c", "h/?%61=b%20c"], ["h/?a=b", "h/?a=b%zz", "h/?a=b;a=c"]),
    ("QueryRegexp(`mobile`, `^(true|yes)$`)", ["h/?mobile=yes"], ["h/?mobile=yess"]),
    ("ClientIP(`192.0.2.0/24`)", ["h/"], []),
    ("ClientIP(`198.51.100.7`)", [], ["h/"]),
    ("Host(`a`) && (Path(`/x`) || !Method(`GET`))", ["a/x", "POST a/y"], ["a/y", "b/x"]),
]


@pytest.mark.parametrize(("rule", "matching", "not_matching"), EXAMPLES)
def test_documented_rules_match_the_same_requests(
    rule: str, matching: list[str], not_matching: list[str]
) -> None:
    assert wrong_results(parse(rule).expression, matching, not_matching) == []


@pytest.mark.parametrize(
    ("rule", "matching"),
    [
        ("Header(`Content-Type`, `application/json`)", True),
        ("Header(`content-type`, `application`)", False),
        ("Header(`X-A`, `two`)", True),
        ("Header(`X-A`, `one, two`)", False),
        ("HeaderRegexp(`X-A`, `^t`)", True),
        ("HeaderRegexp(`X-B`, ``)", False),
    ],
)
def test_headers(rule: str, matching: bool) -> None:
    lines = b"\r\nContent-Type: application/json\r\nx-a:one\r\nX-A: two "
    assert evaluate(parse(rule).expression, facts_of(b"GET", b"h", b"/", lines, "")) == matching


def test_every_operand_of_a_rule_is_explained() -> None:
    evaluation = explain(parse("Host(`a`) && !Path(`/x`)").expression, facts("a/x"))
    assert not evaluation.matches
    assert [operand.matches for operand in evaluation.operands] == [True, False]
    assert [operand.matches for operand in evaluation.operands[1].operands] == [True]


@given(expressions)
def test_a_formatted_expression_means_the_same(expression: Expression) -> None:
    read = parse(format_expression(expression)).expression
    assert evaluate_all(read) == evaluate_all(expression)


def evaluate_all(expression: Expression) -> list[bool]:
    return [evaluate(expression, request) for request in REQUESTS]


@given(st.text() | st.text(alphabet="Host(`a.)&|!\"\\,/: x\n'PathPrefix"))
def test_any_text_is_parsed_or_refused_quickly(text: str) -> None:
    begun = time.process_time()
    try:
        parse(text)
    except RuleError as error:
        assert str(error)
    assert time.process_time() - begun < 2
