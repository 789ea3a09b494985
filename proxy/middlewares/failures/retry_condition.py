"""Compiles the condition for retries of buffered requests to a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rondpoint.middlewares.condition import OPERATORS, compile_tree
from rondpoint.middlewares.retry_expression import Condition, RetryTest

NETWORK_ERRORS = frozenset((502, 504))
"""The statuses of `IsNetworkError()`, whether the server sent them or the proxy."""


class Attempt(NamedTuple):
    """The last attempt: how many there were with it, its status, and the request's method."""

    number: int
    status: int
    method: str


Test = Callable[[Attempt], bool]

_VALUES: Mapping[str, Callable[[Attempt], int | str]] = {
    "Attempts": lambda attempt: attempt.number,
    "ResponseCode": lambda attempt: attempt.status,
    "RequestMethod": lambda attempt: attempt.method,
}


def compile_retry_condition(condition: Condition) -> Test:
    """Return a function that says whether to try again."""
    return compile_tree(condition, _compile_test)


def _compile_test(test: RetryTest) -> Test:
    if test.function == "IsNetworkError":
        return lambda attempt: attempt.status in NETWORK_ERRORS
    read, compare, value = _VALUES[test.function], OPERATORS[test.operator], test.value
    return lambda attempt: compare(read(attempt), value)
