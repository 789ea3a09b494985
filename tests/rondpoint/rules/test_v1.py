"""The rule language of Traefik 1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.rules.errors import RuleError
from rondpoint.rules.evaluate import evaluate
from rondpoint.rules.expression import And, Expression, Match
from rondpoint.rules.request_facts import Facts
from rondpoint.rules.v1 import MAX_LENGTH, parse, read
from tests.rondpoint.rules.sample_requests import facts_of, wrong_results

AB, API = Match("Host", ("a.test", "b.test")), Match("PathPrefix", ("/api",))

READ = [
    ("Host:a.test", Match("Host", ("a.test",))),
    ("Host:a.test,b.test", AB),
    (" Host : a.test , b.test ", AB),
    ("Host:A.TEST:80,b.test.", AB),
    ("Host:a.test,,b.test,", AB),
    ("Host:a.test,b.test;PathPrefix:/api", And((AB, API))),
    ("Host:a.test,b.test;PathPrefix:/api;", And((AB, API))),
    ("PathPrefix:/api;Host:a.test,b.test", And((API, AB))),
    ("Path:/a:b", Match("Path", ("/a:b",))),
    ("PathPrefix:/api", API),
]

REFUSED = [
    ("", 0, "the rule is empty"),
    (";", 0, "the rule is empty"),
    ("Hots:a.test", 0, "unknown matcher 'Hots'"),
    ("Host:a.test; Foo:b", 13, "unknown matcher 'Foo'"),
    ("Host(`a.test`)", 0, "unknown matcher 'Host(`a.test`)'"),
    ("Host", 0, "Host has no value"),
    ("Host: ,", 0, "Host has no value"),
    ("Host:a.test, b c", 13, "Host: 'b c' is not a host name"),
    ("Path:api", 5, "Path: path 'api' does not start with /"),
    ("PathPrefix:/a,/{id:[0-9+}", 14, "PathPrefix: '[0-9+' is no regular expression: missing ]: [0-9+"),
    ("PathPrefix:/a,/{id", 14, "PathPrefix: a { is not closed"),
    ("PathPrefix:/{a}}", 11, "PathPrefix: a } without {"),
    ("PathPrefix:/{}", 11, "PathPrefix: {} needs a name and an expression: {name:[a-z]+}"),
    ("PathPrefix:{id}", 11, "PathPrefix: path '{id}' does not start with /"),
    ("Host:*.a.test,a.*.test", 14, "Host: host 'a.*.test' has a * that is not its first label"),
    ("Headers:K,v,L", 0, "Headers takes pairs of name and value"),
    ("Headers:a b,v", 8, "Headers: 'a b' is not the name of a header"),
    ("HeadersRegexp:K,(", 14, "HeadersRegexp: '(' is no regular expression: missing ): ("),
    ("Query:a=b,c", 10, "Query: 'c' has no ="),
    ("Method:GET,P T", 11, "Method: 'P T' is not a method"),
    (
        "Host:a.test;ReplacePathRegex:/x",
        29,
        "ReplacePathRegex: '/x' is not an expression and its replacement",
    ),
    ("Path:/a?b", 5, "Path: path '/a?b' has a ?, which no path can have"),
]

# From Traefik 1's documentation and tests: a rule, requests that it matches, and requests that it does not.
EXAMPLES = [
    ("Host: traefik.io, www.traefik.io", ["traefik.io/", "WWW.traefik.io:80/x"], ["a.traefik.io/"]),
    ("HostRegexp: traefik.io, {subdomain:[a-z]+}.traefik.io",
     ["traefik.io/", "abc.traefik.io/", "ABC.traefik.io/"],
     ["1.traefik.io/", "a.b.traefik.io/", "xtraefik.io/"]),
    ("HostRegexp:{sub}.{zone:[a-z]{2}}.test", ["a-1.de.test/"], ["a.b.de.test/", "a.d.test/", ".de.test/"]),
    ("Path: /products, /articles/{category}/{id:[0-9]+}",
     ["h/products", "h/products?a=b", "h/articles/cars/12", "h/%70roducts"],
     ["h/products/", "h/articles/cars/x", "h/articles/a/b/1", "h/articles/cars/12/"]),
    ("PathPrefix: /products/, /articles/{category}/{id:[0-9]+}",
     ["h/products/1", "h/articles/cars/12/more", "h//products/1"], ["h/products", "h/articles/cars/x"]),
    ("PathPrefix:/foo", ["h/foo", "h/foobar", "h/foo/bar"], ["h/fo", "h/", "h/a/../b/foo"]),
    ("PathStrip:/a,/b", ["h/a", "h/b"], ["h/a/"]),
    ("PathStripRegex:/a/{id}", ["h/a/1"], ["h/a/", "h/a/1/2"]),
    ("PathPrefixStripRegex:/a/{id:[0-9]+}", ["h/a/1/2"], ["h/a/x"]),
    ("Method: GET, post", ["h/"], ["PUT h/"]),
    ("Query: mobile=true, tablet={t:[a-z]+}", ["h/?mobile=true&tablet=a", "h/?tablet=a&mobile=x&mobile=true"],
     ["h/?mobile=true", "h/?tablet=a", "h/?mobile=true&tablet=1", "h/?mobile=true&tablet=a1"]),
    ("Query:a=", ["h/?a", "h/?a=b"], ["h/?b"]),
    ("AddPrefix:/x", ["h/", "a.b/c"], []),
    ("Host:a.test;Path:/x;Method:GET", ["a.test/x"], ["a.test/y", "b.test/x", "POST a.test/x"]),
]  # fmt: skip

MODIFIED = [
    ("PathPrefixStrip:/a,/a/b", [("stripPrefix", {"prefixes": ["/a/b", "/a"]})]),
    ("PathStrip:/a", [("stripPrefix", {"prefixes": ["/a"]})]),
    ("PathPrefixStrip:/{v:v[0-9]}", [("stripPrefixRegex", {"regex": ["^/(?:v[0-9])"]})]),
    ("PathPrefixStripRegex:/a.b/{id}", [("stripPrefixRegex", {"regex": [r"^/a\.b/(?:[^/]+)"]})]),
    ("Host:a;AddPrefix:/x", [("addPrefix", {"prefix": "/x"})]),
    ("ReplacePath:/x", [("replacePath", {"path": "/x"})]),
    (
        "ReplacePathRegex:^/a{1,2}/(.*) /b/$1",
        [("replacePathRegex", {"regex": "^/a{1,2}/(.*)", "replacement": "/b/$1"})],
    ),
    (
        "ReplacePath:/z;AddPrefix:/y;PathPrefixStrip:/x",
        [
            ("stripPrefix", {"prefixes": ["/x"]}),
            ("addPrefix", {"prefix": "/y"}),
            ("replacePath", {"path": "/z"}),
        ],
    ),
    ("Host:a.test", []),
]


@pytest.mark.parametrize(("rule", "matching", "not_matching"), EXAMPLES)
def test_documented_rules_match_the_same_requests(
    rule: str, matching: list[str], not_matching: list[str]
) -> None:
    assert wrong_results(parse(rule).expression, matching, not_matching) == []


@pytest.mark.parametrize(("rule", "modifiers"), MODIFIED)
def test_modifiers_become_middlewares_in_a_fixed_order(
    rule: str, modifiers: list[tuple[str, dict[str, object]]]
) -> None:
    assert [(modifier.kind, modifier.options) for modifier in read(rule).modifiers] == modifiers


def test_all_pairs_of_headers_must_match() -> None:
    expression = parse("Headers:Content-Type,text/html,X-A,b;HeadersRegexp:X-A,^[a-c]$").expression

    def matching(*lines: str) -> bool:
        headers = "".join(f"\r\n{line}" for line in lines).encode()
        return evaluate(expression, facts_of(b"GET", b"h", b"/", headers, ""))

    assert matching("content-type: text/html", "x-a: other", "X-A: b")
    assert not matching("content-type: text/html")
    assert not matching("content-type: text/html; charset=utf-8", "x-a: b")


@pytest.mark.parametrize(("text", "expression"), READ)
def test_a_rule_is_parsed(text: str, expression: Expression) -> None:
    rule = parse(text)
    assert rule.expression == expression
    assert rule.text == text


@pytest.mark.parametrize(("text", "position", "message"), REFUSED)
def test_an_invalid_rule_gives_message_and_position(text: str, position: int, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.position) == (message, position)


@pytest.mark.parametrize("text", ["Host:a&&Path:/", "Host:a || Host:b", "Host:a PathPrefix:/b"])
def test_separators_of_other_languages_get_a_hint(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert caught.value.hint == "separate matchers by ; and values by ,"


def test_a_rule_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(RuleError, match="longer than"):
        parse("Host:" + "a" * MAX_LENGTH)


HOSTS, PATHS = ("a.test", "b.test", "c.test"), ("/", "/api", "/api/x")
matchers = st.one_of(
    st.lists(st.sampled_from(HOSTS), min_size=1).map(lambda hosts: ("Host", hosts)),
    st.lists(st.sampled_from(PATHS), min_size=1).map(lambda paths: ("Path", paths)),
    st.lists(st.sampled_from(PATHS), min_size=1).map(lambda paths: ("PathPrefix", paths)),
)


@given(st.lists(matchers, min_size=1, max_size=4))
def test_all_matchers_and_one_value_of_each_must_match(parts: list[tuple[str, list[str]]]) -> None:
    expression = parse(";".join(f"{kind}:{','.join(values)}" for kind, values in parts)).expression
    for host in HOSTS:
        for path in (*PATHS, "/other"):
            request = Facts(host, path)
            expected = all(evaluate(Match(kind, tuple(values)), request) for kind, values in parts)
            assert evaluate(expression, request) == expected


@given(st.text() | st.text(alphabet="Host:a.;,/ PathrefixRegexpStripQueryHeaders=({[*]})"))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse(text)
    except RuleError as error:
        assert str(error)
