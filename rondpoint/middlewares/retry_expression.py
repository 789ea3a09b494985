"""The conditions for retries of buffered requests: `IsNetworkError() && Attempts() <= 2`."""

from __future__ import annotations

from typing import TypeAlias, cast

from lark import Token, v_args
from msgspec import Struct

from rondpoint.middlewares import condition
from rondpoint.middlewares.condition import (
    Call,
    ConditionBuilder,
    ExpressionError,
    check_name,
    parse_condition,
    read_number,
)

_NUMBERS = ("Attempts", "ResponseCode")
_FUNCTIONS = (*_NUMBERS, "RequestMethod", "IsNetworkError")


class RetryTest(Struct, frozen=True):
    """A comparison of a function's result with a number or text; `IsNetworkError` is compared with nothing.

    `operator` is one of `< <= > >= == !=`, for a text one of the last two.
    """

    function: str
    operator: str = "=="
    value: int | str = 0


Condition: TypeAlias = condition.Condition[RetryTest]


def parse(text: str) -> Condition:
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
