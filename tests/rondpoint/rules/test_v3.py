"""The rule language of Traefik 3."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import And, Expression, Match, Not, Or
from rondpoint.rules.quoted import quote
from rondpoint.rules.v3 import MAX_DEPTH, MAX_LENGTH, parse
from tests.rondpoint.rules.evaluate import holds

A, B = Match("Host", ("a.test",)), Match("Host", ("b.test",))
API, PRIVATE = Match("PathPrefix", ("/api",)), Match("Path", ("/private",))

READ = [
    ("Host(`a.test`)", A),
    ('Host("a.test")', A),
    ("host(`a.test`)", A),
    ("HOST(`A.Test.`)", A),
    ("Host(`a.test:8080`)", A),
    ("Host(`[::1]:80`)", Match("Host", ("[::1]",))),
    (r'Path("/private")', PRIVATE),
    (r'Path("/caf\u00e9\t\"\x41")', Match("Path", ('/café\t"A',))),
    (r"Path(`/a\b`)", Match("Path", (r"/a\b",))),
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
    ("Host:a.test;PathPrefix:/x", 4, "unexpected :", "here it is Host(`a.test`)"),
    ("Host(`a b`)", 5, "Host: 'a b' is not a host name", "app.example.com"),
    ("Host(``)", 5, "Host: '' is not a host name", ""),
    ("Host(`*.a.test`)", 5, "Host: a wildcard as in host '*.a.test' is not served yet", ""),
    ("Host(`café.test`)", 5, "Host: host 'café.test' has characters outside ASCII", "xn--"),
    ("Path(`x`)", 5, "Path: path 'x' does not start with /", "write /x"),
    ("PathPrefix(``)", 11, "PathPrefix: path '' does not start with /", ""),
    (r'Path("/\q")', 7, r"unknown escape \q", ""),
    (r'Path("/\ud800")', 7, r"unknown escape \ud800", ""),
    ("HostRegexp(`.*`)", 0, "HostRegexp is not served yet", "served: Host, Path, PathPrefix"),
    ("Method(`GET`)", 0, "Method is not served yet", ""),
    ("Header(`K`, `v`)", 0, "Header is not served yet", ""),
    ("clientip(`10.0.0.0/8`)", 0, "ClientIP is not served yet", ""),
    ("HostSNI(`*`)", 0, "HostSNI is for TCP routers", "Host"),
]


@pytest.mark.parametrize(("text", "expression"), READ)
def test_a_rule_means(text: str, expression: Expression) -> None:
    rule = parse(text)
    assert rule.expression == expression
    assert rule.text == text


@pytest.mark.parametrize(("text", "position", "message", "hint"), REFUSED)
def test_a_refused_rule_says_what_is_wrong_and_where(
    text: str, position: int, message: str, hint: str
) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.position) == (message, position)
    assert hint in caught.value.hint


def test_a_caret_stands_under_the_fault() -> None:
    with pytest.raises(RuleError) as caught:
        parse("Host(`a.test`)\n&& Hots(`b`)")
    assert str(caught.value).splitlines() == [
        "unknown matcher Hots (did you mean Host?)",
        "  Host(`a.test`) && Hots(`b`)",
        "                    ^",
    ]


def test_of_a_long_rule_only_what_is_around_the_fault_is_shown() -> None:
    with pytest.raises(RuleError) as caught:
        parse(" || ".join(f"Host(`h{number}.test`)" for number in range(100)) + " || Hots(`x`)")
    _, excerpt, caret = str(caught.value).splitlines()
    assert len(excerpt) < 130
    assert excerpt[caret.index("^") :] == "Hots(`x`)"


def test_parentheses_alone_may_be_nested_at_will() -> None:
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


HOSTS, PATHS = ("a.test", "b.test", "c.test"), ("/", "/api", "/api/x", '/we"ird`')

matchers = st.one_of(
    st.sampled_from(HOSTS).map(lambda host: Match("Host", (host,))),
    st.sampled_from(PATHS).map(lambda path: Match("Path", (path,))),
    st.sampled_from(PATHS).map(lambda path: Match("PathPrefix", (path,))),
)
expressions = st.recursive(
    matchers,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items))),
        inner.map(Not),
    ),
    max_leaves=12,
)


def written(expression: Expression, binding: int = 0) -> str:
    match expression:
        case Match(kind, (value,)):
            return f"{kind}({quote(value)})"
        case Not(item):
            return f"!{written(item, 3)}"
        case And(items):
            text, own = " && ".join(written(item, 2) for item in items), 2
        case Or(items):
            text, own = " || ".join(written(item, 1) for item in items), 1
        case _:
            raise AssertionError(expression)
    return f"({text})" if own < binding else text


@given(expressions)
def test_what_is_written_is_what_is_meant(expression: Expression) -> None:
    read = parse(written(expression)).expression
    for host in HOSTS:
        for path in (*PATHS, "/other"):
            assert holds(read, host, path) == holds(expression, host, path)


@given(st.text() | st.text(alphabet="Host(`a.)&|!\"\\,/: x\n'PathPrefix"))
def test_any_text_is_read_or_refused_in_no_time(text: str) -> None:
    begun = time.perf_counter()
    try:
        parse(text)
    except RuleError as error:
        assert str(error)
    assert time.perf_counter() - begun < 2
