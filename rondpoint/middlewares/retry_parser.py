"""Parses the conditions for retries of buffered requests."""

from __future__ import annotations

from typing import cast

from lark import Token, v_args

from rondpoint.middlewares.condition import ExpressionError
from rondpoint.middlewares.condition_parser import (
    Call,
    ConditionBuilder,
    check_name,
    parse_condition,
    read_number,
)
from rondpoint.middlewares.retry_expression import Condition, RetryTest

_NUMBERS = ("Attempts", "ResponseCode")
_FUNCTIONS = (*_NUMBERS, "RequestMethod", "IsNetworkError")


def parse_retry_expression(text: str) -> Condition:
    """Parse a condition. Raises ExpressionError."""
    return cast(Condition, parse_condition(text, _Builder))


@v_args(inline=True)
class _Builder(ConditionBuilder):
    def predicate(self, call: Call) -> RetryTest:
        _check(call)
        if call.name != "IsNetworkError":
            raise ExpressionError(f"{call.name} is not compared with anything", call.position)
        return RetryTest(call.name)

    def comparison(self, call: Call, operator: Token, value: Token) -> RetryTest:
        _check(call)
        if call.name == "IsNetworkError":
            raise ExpressionError("IsNetworkError stands alone", call.position)
        if call.name in _NUMBERS:
            number = read_number(value)
            if number % 1:
                raise ExpressionError(f"expected a whole number, not {value},", value.start_pos)
            return RetryTest(call.name, str(operator), int(number))
        if value.type != "STRING":
            raise ExpressionError(f'expected a text such as "GET", not {value},', value.start_pos)
        if operator not in ("==", "!="):
            raise ExpressionError(f"expected == or !=, not {operator},", operator.start_pos)
        return RetryTest(call.name, str(operator), value[1:-1])


def _check(call: Call) -> None:
    check_name(call, _FUNCTIONS, "function")
    if call.arguments:
        raise ExpressionError(f"{call.name} takes no arguments, not {len(call.arguments)},", call.position)
