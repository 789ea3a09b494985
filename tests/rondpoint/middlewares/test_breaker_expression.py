"""Conditions of circuit breakers: accepted and refused texts, and any condition written and parsed again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.middlewares.breaker_expression import Comparison, Condition, Metric
from rondpoint.middlewares.breaker_parser import parse_breaker_expression
from rondpoint.middlewares.canonical import canonicalise
from rondpoint.middlewares.condition import And, ExpressionError, Not, Or
from rondpoint.middlewares.condition_parser import MAX_LENGTH

NETWORK = Comparison(Metric("NetworkErrorRatio"), ">", 0.5)
LATENCY = Comparison(Metric("LatencyAtQuantileMS", (50.0,)), ">=", 100)
RATIO = Comparison(Metric("ResponseCodeRatio", (500, 600, 0, 600)), "<", 0.25)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("NetworkErrorRatio() > 0.5", NETWORK),
        ("\tNetworkErrorRatio( )>.5\n", NETWORK),
        ("NetworkErrorRatio() > 5e-1", NETWORK),
        ("LatencyAtQuantileMS(50.0) >= 100", LATENCY),
        ("LatencyAtQuantileMS(50) >= 100.0", LATENCY),
        ("ResponseCodeRatio(500, 600, 0, 600) < 0.25", RATIO),
        ("((NetworkErrorRatio() > 0.5))", NETWORK),
        ("!NetworkErrorRatio() > 0.5", Not(NETWORK)),
        ("!!(NetworkErrorRatio() > 0.5)", NETWORK),
        ("NetworkErrorRatio() != 0", Comparison(Metric("NetworkErrorRatio"), "!=", 0)),
        (
            "NetworkErrorRatio()>.5||LatencyAtQuantileMS(50) >= 100 && ResponseCodeRatio(500,600,0,600)<.25",
            Or((NETWORK, And((LATENCY, RATIO)))),
        ),
        (
            "(NetworkErrorRatio() > 0.5 || LatencyAtQuantileMS(50) >= 100) && !(NetworkErrorRatio() > 0.5)",
            And((Or((NETWORK, LATENCY)), Not(NETWORK))),
        ),
    ],
)
def test_accepted_expressions(text: str, condition: Condition) -> None:
    assert parse_breaker_expression(text) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ends too early"),
        ("NetworkErrorRatio()", "NetworkErrorRatio is not compared with a number at character 1"),
        ('NetworkErrorRatio() > "1"', 'expected a number, not "1", at character 23'),
        ("NetworkErrorRatio() >", "ends too early"),
        ("NetworkErrorRatio() > 0.5 &&", "ends too early"),
        ("(NetworkErrorRatio() > 0.5", "ends too early"),
        ("NetworkErrorRatio() > 0.5)", "unexpected ) at character 26"),
        ("NetworkErrorRatio() > 0.5 and 1", "unexpected and at character 27"),
        ("NetworkErrorRatio() > 0.5 & 1", "unexpected & at character 27"),
        ("NetworkErrorRatio() = 0.5", "unexpected = at character 21"),
        ("0.5 < NetworkErrorRatio()", "unexpected 0.5 at character 1"),
        ("NetworkErrorRatio > 0.5", "unexpected > at character 19"),
        ("NetworkErrorRatio() > -1", "unexpected - at character 23"),
        ("NetworkErrorRatio() > 1e999", "1e999 is too high at character 23"),
        ("NetworkErrorRatios() > 1", "did you mean NetworkErrorRatio?) at character 1"),
        ("NetworkErrorRatio(1) > 0", "takes no arguments, not 1, at character 1"),
        ("ResponseCodeRatio(500, 600) > 0", "takes four arguments, not 2,"),
        ("ResponseCodeRatio(500.5, 600, 0, 600) > 0", "whole numbers"),
        ("LatencyAtQuantileMS(101) > 0", "from 0 to 100"),
        (
            "NetworkErrorRatio() > 0 || LatencyAtQuantileMS() > 0",
            "takes one argument, not 0, at character 28",
        ),
        ("NetworkErrorRatio() > 0 ||" * 60, "longer than"),
        ("!(NetworkErrorRatio() > 0 && " * 20 + "NetworkErrorRatio() > 0" + ")" * 20, "levels deep"),
        (" || ".join(f"ResponseCodeRatio({n}, 600, 0, 600) > 0" for n in range(9)), "more than 8 different"),
    ],
)
def test_refused_expressions(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_breaker_expression(text)
    assert message in str(raised.value)


def test_a_bad_expression_is_an_error_of_its_option_with_its_place() -> None:
    found = canonicalise("circuitBreaker", {"expression": "NetworkErrorRatio() >> 1"}, str)
    (fault,) = found.errors
    assert (fault.path, fault.fatal, found.usable) == (("expression",), True, False)
    assert "unexpected > at character 22" in fault.hint


def written(condition: Condition) -> str:
    """Return the text of a condition, with parentheses around each part."""
    if isinstance(condition, Comparison):
        metric = condition.metric
        arguments = ", ".join(f"{number:g}" for number in metric.arguments)
        return f"{metric.name}({arguments}) {condition.operator} {condition.value!r}"
    if isinstance(condition, Not):
        return f"!({written(condition.item)})"
    word = " && " if isinstance(condition, And) else " || "
    return word.join(f"({written(item)})" for item in condition.items)


STATUSES = st.integers(0, 999).map(float)
METRICS = st.one_of(
    st.just(Metric("NetworkErrorRatio")),
    st.integers(0, 100).map(lambda quantile: Metric("LatencyAtQuantileMS", (float(quantile),))),
    st.tuples(STATUSES, STATUSES, STATUSES, STATUSES).map(lambda given: Metric("ResponseCodeRatio", given)),
)
COMPARISONS = st.builds(
    Comparison, METRICS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.floats(0, 1e9)
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        inner.filter(lambda item: not isinstance(item, Not)).map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items))),
    ),
    max_leaves=7,
)


@given(CONDITIONS)
def test_a_written_condition_is_parsed_to_itself(condition: Condition) -> None:
    text = written(condition)
    if len(text) <= MAX_LENGTH:
        assert parse_breaker_expression(text) == condition


PIECES = [
    "NetworkErrorRatio()",
    "LatencyAtQuantileMS(",
    ")",
    "(",
    "!",
    "&&",
    "||",
    "<",
    "=",
    ">",
    "0.5",
    "1",
    ",",
    " ",
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
def test_any_text_is_a_condition_or_an_error_with_its_position(text: str) -> None:
    try:
        condition = parse_breaker_expression(text)
    except ExpressionError as error:
        assert error.position is None or 0 <= error.position <= len(text)
    else:
        assert parse_breaker_expression(written(condition)) == condition
