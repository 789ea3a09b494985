"""The rule language of Traefik 1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import And, Expression, Match
from rondpoint.rules.v1 import MAX_LENGTH, parse
from tests.rondpoint.rules.evaluate import holds

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
    ("PathPrefix:/a,/{id:[0-9]+}", 14, "a pattern as in /{id:[0-9]+} is not served yet"),
    ("Host:a.test;PathPrefixStrip:/api", 12, "PathPrefixStrip is not served yet"),
    ("HostRegexp:{sub}.a.test", 0, "HostRegexp is not served yet"),
    ("Headers:K,v", 0, "Headers is not served yet"),
    ("ReplacePath:/x", 0, "ReplacePath is not served yet"),
]


@pytest.mark.parametrize(("text", "expression"), READ)
def test_a_rule_means(text: str, expression: Expression) -> None:
    rule = parse(text)
    assert rule.expression == expression
    assert rule.text == text


@pytest.mark.parametrize(("text", "position", "message"), REFUSED)
def test_a_refused_rule_says_what_is_wrong_and_where(text: str, position: int, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.position) == (message, position)


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
def test_all_matchers_must_hold_and_one_value_of_each(parts: list[tuple[str, list[str]]]) -> None:
    read = parse(";".join(f"{kind}:{','.join(values)}" for kind, values in parts)).expression
    for host in HOSTS:
        for path in (*PATHS, "/other"):
            expected = all(holds(Match(kind, tuple(values)), host, path) for kind, values in parts)
            assert holds(read, host, path) == expected


@given(st.text() | st.text(alphabet="Host:a.;,/ Pathrefix{}"))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except RuleError as error:
        assert str(error)
