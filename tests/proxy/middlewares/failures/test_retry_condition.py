"""Conditions for retries of buffered requests: accepted and refused texts, and their meaning."""

import pytest

from proxy.middlewares.failures.retry_condition import Attempt, compile_retry_condition
from rondpoint.middlewares.canonical import canonicalise
from rondpoint.middlewares.condition import And, ExpressionError, Not, Or
from rondpoint.middlewares.retry_expression import Condition, RetryTest
from rondpoint.middlewares.retry_parser import parse_retry_expression

NETWORK = RetryTest("IsNetworkError")
FEW = RetryTest("Attempts", "<=", 2)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("IsNetworkError()", NETWORK),
        ("Attempts() <= 2", FEW),
        ("Attempts()<=2.0", FEW),
        ("IsNetworkError() && Attempts() <= 2", And((NETWORK, FEW))),
        ("Attempts() <= 2 || !IsNetworkError()", Or((FEW, Not(NETWORK)))),
        ('RequestMethod() != "POST"', RetryTest("RequestMethod", "!=", "POST")),
        ("RequestMethod() == `GET`", RetryTest("RequestMethod", "==", "GET")),
    ],
)
def test_accepted_expressions(text: str, condition: Condition) -> None:
    assert parse_retry_expression(text) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ends too early"),
        ("Attempts()", "Attempts is not compared with anything at character 1"),
        ("Attempts() <", "ends too early"),
        ("Attempts() < 2.5", "expected a whole number, not 2.5, at character 14"),
        ('Attempts() < "2"', 'expected a number, not "2", at character 14'),
        ("IsNetworkError() == 1", "IsNetworkError stands alone at character 1"),
        ("IsNetworkError(1)", "takes no arguments, not 1, at character 1"),
        ("IsNetworkErrors()", "did you mean IsNetworkError?) at character 1"),
        (
            "NetworkErrorRatio() > 0.5",
            "unknown function NetworkErrorRatio (did you mean IsNetworkError?) at character 1",
        ),
        ('RequestMethod() < "GET"', "expected == or !=, not <, at character 17"),
        ("RequestMethod() == 1", "expected a text such as"),
        ('RequestMethod() == "GET', 'unexpected " at character 20'),
    ],
)
def test_refused_expressions(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_retry_expression(text)
    assert message in str(caught.value)


def test_the_option_says_what_was_expected() -> None:
    found = canonicalise("buffering", {"retryExpression": "Attempts() < x"}, str)
    assert [fault.hint for fault in found.errors] == [
        "expected a condition such as IsNetworkError() && Attempts() < 3: unexpected x at character 14"
    ]
    assert not found.usable
    assert canonicalise("buffering", {"retryExpression": " "}, str).options == {"retryExpression": ""}


@pytest.mark.parametrize(
    ("text", "attempt", "again"),
    [
        ("IsNetworkError()", Attempt(1, 502, "GET"), True),
        ("IsNetworkError()", Attempt(1, 504, "GET"), True),
        ("IsNetworkError()", Attempt(1, 503, "GET"), False),
        ("Attempts() < 3", Attempt(2, 200, "GET"), True),
        ("Attempts() < 3", Attempt(3, 200, "GET"), False),
        ("ResponseCode() >= 500 && ResponseCode() != 501", Attempt(1, 500, "GET"), True),
        ("ResponseCode() >= 500 && ResponseCode() != 501", Attempt(1, 501, "GET"), False),
        ("!(ResponseCode() > 400) || Attempts() == 1", Attempt(2, 401, "GET"), False),
        ('RequestMethod() == "PUT"', Attempt(1, 500, "PUT"), True),
        ('RequestMethod() == "PUT"', Attempt(1, 500, "put"), False),
    ],
)
def test_the_meaning_of_expressions(text: str, attempt: Attempt, again: bool) -> None:
    assert compile_retry_condition(parse_retry_expression(text))(attempt) is again
