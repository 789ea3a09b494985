"""The rule language of TCP routers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.rules import tcp, tree
from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import And, Expression, Match, Not, Or, Rule
from rondpoint.rules.rule_text import format_expression
from rondpoint.rules.server_names import server_names
from rondpoint.rules.tcp import default_priority, parse, parse_v2

A, ANY = Match("HostSNI", ("a.test",)), Match("HostSNI", ("*",))
H2, LAN = Match("ALPN", ("h2",)), Match("ClientIP", ("10.0.0.0/8",))

READ = [
    ("HostSNI(`*`)", ANY),
    ("HostSNI(`a.test`)", A),
    ('hostsni("A.Test.")', A),
    ("HOSTSNI(`a_b-c.test`)", Match("HostSNI", ("a_b-c.test",))),
    ("HostSNI(`*.A.test`)", Match("HostSNI", ("*.a.test",))),
    ("HostSNI(`bücher.test`)", Match("HostSNI", ("xn--bcher-kva.test",))),
    ("HostSNI(`10.0.0.1`)", Match("HostSNI", ("10.0.0.1",))),
    ("HostSNI(`2001:db8::1`)", Match("HostSNI", ("2001:db8::1",))),
    ("HostSNIRegexp(`^.+\\.a\\.test$`)", Match("HostSNIRegexp", ("^.+\\.a\\.test$",))),
    ("ALPN(`h2`)", H2),
    ("ClientIP(`10.1.2.3/8`)", LAN),
    ("HostSNI(`a.test`) || HostSNI(`b.test`)", Match("HostSNI", ("a.test", "b.test"))),
    ("HostSNI(`a.test`) && !ClientIP(`10.0.0.0/8`)", And((A, Not(LAN)))),
    ("ALPN(`h2`) || HostSNI(`a.test`) && ClientIP(`10.0.0.0/8`)", Or((H2, And((A, LAN))))),
    ("!(ALPN(`h2`) || ClientIP(`10.0.0.0/8`))", Not(Or((H2, LAN)))),
]

READ_V2 = [
    ("HostSNI(`a.test`, `B.test`)", Match("HostSNI", ("a.test", "b.test"))),
    ("HostSNI(`*`, `a.test`)", Match("HostSNI", ("*", "a.test"))),
    ("HostSNI(`a.test`, `*`)", Or((A, Match("HostSNIRegexp", (".",))))),
    ("HostSNIRegexp(`{sub:[a-z]+}.a.test`, `b.test`)",
     Match("HostSNIRegexp", (r"(?i)^(?:[a-z]+)\.a\.test$", r"(?i)^b\.test$"))),
    ("ALPN(`h2`, `http/1.1`)", Match("ALPN", ("h2", "http/1.1"))),
    ("ClientIP(`10.0.0.0/8`, `::1`)", Match("ClientIP", ("10.0.0.0/8", "::1/128"))),
]  # fmt: skip

REFUSED = [
    ("", 0, "the rule is empty", "HostSNI(`app.example.com`)"),
    ("Host(`a.test`)", 0, "Host is for HTTP routers", "write HostSNI"),
    ("HostRegexp(`a`)", 0, "HostRegexp is for HTTP routers", "write HostSNIRegexp"),
    (
        "HostSNI(`a`) && Path(`/`)",
        16,
        "Path is for HTTP routers",
        "HostSNI, HostSNIRegexp, ALPN and ClientIP",
    ),
    ("HostSIN(`a.test`)", 0, "unknown matcher HostSIN", "did you mean HostSNI?"),
    ("HostSNI()", 0, "HostSNI takes one value, not 0", "write HostSNI(`…`)"),
    ("HostSNI(`a`, `b`)", 0, "HostSNI takes one value, not 2", "HostSNI(`a`) || HostSNI(`b`)"),
    ("HostSNI(``)", 8, "HostSNI: '' is not a host name", ""),
    ("HostSNI(`a b`)", 8, "HostSNI: 'a b' is not a host name", ""),
    (
        "HostSNI(`a.*.test`)",
        8,
        "HostSNI: host 'a.*.test' has a * that is not its first label",
        "*.example.com",
    ),
    (
        "HostSNI(`a.test:443`)",
        8,
        "HostSNI: 'a.test:443' has a port, which no server name has",
        "write a.test",
    ),
    ("HostSNI('a')", 8, "unexpected '", "HostSNI(`a.test`)"),
    ("HostSNI:a.test", 7, "unexpected :", "write HostSNI(`a.test`)"),
    ("HostSNIRegexp(`(`)", 14, "HostSNIRegexp: '(' is no regular expression: missing ): (", ""),
    ("HostSNIRegexp(``)", 14, "HostSNIRegexp: the expression is empty", "HostSNI(`*`)"),
    ("HostSNIRegexp(`é`)", 14, "HostSNIRegexp: 'é' has characters outside ASCII", ""),
    ("ALPN(``)", 5, "ALPN: the protocol is empty", "h2"),
    ("ALPN(`acme-tls/1`)", 5, "ALPN: acme-tls/1 is not allowed, as in Traefik", "ACME"),
    ("ClientIP(`nope`)", 9, "ClientIP: 'nope' is neither an address nor a network", "10.0.0.0/8"),
]

REFUSED_V2 = [
    ("HostSNI(`a`, `*.b`)", 13, "HostSNI: '*.b' has a wildcard, which this syntax does not have", "Regexp"),
    ("HostSNIRegexp(`{a`)", 14, "HostSNIRegexp: a { is not closed", "{name:expression}"),
    ("ALPN(`h2`, `acme-tls/1`)", 11, "ALPN: acme-tls/1 is not allowed, as in Traefik", ""),
    ("HostHeader(`a`)", 0, "HostHeader is for HTTP routers", "write HostSNI"),
]


@pytest.mark.parametrize(("text", "expression"), READ)
def test_a_rule_is_parsed(text: str, expression: Expression) -> None:
    assert parse(text) == Rule(text, expression)


@pytest.mark.parametrize(("text", "expression"), READ_V2)
def test_a_rule_of_traefik_2_is_parsed(text: str, expression: Expression) -> None:
    assert parse_v2(text) == Rule(text, expression)


@pytest.mark.parametrize(("text", "position", "message", "hint"), REFUSED)
def test_an_invalid_rule_gives_message_and_position(
    text: str, position: int, message: str, hint: str
) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.position) == (message, position)
    assert hint in caught.value.hint


@pytest.mark.parametrize(("text", "position", "message", "hint"), REFUSED_V2)
def test_an_invalid_rule_of_traefik_2_gives_message_and_position(
    text: str, position: int, message: str, hint: str
) -> None:
    with pytest.raises(RuleError) as caught:
        parse_v2(text)
    assert (caught.value.message, caught.value.position) == (message, position)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("HostSNI(`*`)", -1),
        ("(hostsni(`*`))", -1),
        ("HostSNI(`a.test`)", 17),
        ("HostSNI(`*`) && ClientIP(`10.0.0.0/8`)", 38),
        ("HostSNI(`*`) && HostSNI(`é.test`)", 34),
    ],
)
def test_the_rule_of_all_connections_comes_last(text: str, priority: int) -> None:
    assert default_priority(parse(text)) == priority


def test_server_names_are_found_in_order_apart_from_those_excluded() -> None:
    rule = parse(
        "ClientIP(`::1`) && (HostSNI(`b.test`) || !HostSNI(`*.a.test`) && !(ALPN(`h2`) || "
        "!HostSNI(`c.test`))) || HostSNI(`*`)"
    )
    assert list(server_names(rule.expression)) == ["b.test", "c.test", "*"]
    assert list(server_names(rule.expression, negated=True)) == ["*.a.test"]


_LABEL = st.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,8}[a-z0-9_])?", fullmatch=True)
_NAME = st.lists(_LABEL, min_size=1, max_size=3).map(".".join).filter(lambda name: not name[-1].isdigit())
_LEAVES = st.one_of(
    st.one_of(_NAME, _NAME.map("*.{}".format), st.just("*")).map(lambda name: Match("HostSNI", (name,))),
    _NAME.map(lambda name: Match("HostSNIRegexp", (name,))),
    st.sampled_from(("h2", "http/1.1", "postgresql")).map(lambda name: Match("ALPN", (name,))),
    st.sampled_from(("10.0.0.0/8", "::1/128")).map(lambda network: Match("ClientIP", (network,))),
)


def _combined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(several.map(tree.conjunction), several.map(tree.disjunction), inner.map(tree.negation))


@given(st.recursive(_LEAVES, _combined, max_leaves=8))
def test_each_expression_is_parsed_from_its_text(expression: Expression) -> None:
    assert parse(format_expression(expression)).expression == expression


@given(st.text(alphabet='HostSNIRegexpALPNClientIP()`"&|!,*.: \\é', max_size=60))
def test_any_text_is_parsed_or_refused_with_a_position_in_it(text: str) -> None:
    for each in (parse, parse_v2):
        try:
            found = each(text)
        except RuleError as error:
            assert error.position is None or 0 <= error.position <= len(text)
        else:
            assert found.text == text
            assert tree.depth(found.expression) <= tcp.v3.MAX_DEPTH
