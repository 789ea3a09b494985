"""The conditions of several middlewares: tests, joined by `&&`, `||` and `!`.

Each middleware has tests of its own; a *test* is the smallest condition. `condition_parser.py` reads texts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "==": operator.eq,
        "!=": operator.ne,
    }
)

Test = TypeVar("Test")
Facts = TypeVar("Facts")


class And(Struct, Generic[Test], frozen=True):
    """A conjunction of at least two conditions."""

    items: tuple[Condition[Test], ...]


class Or(Struct, Generic[Test], frozen=True):
    """A disjunction of at least two conditions."""

    items: tuple[Condition[Test], ...]


class Not(Struct, Generic[Test], frozen=True):
    """A negation."""

    item: Condition[Test]


Condition: TypeAlias = Test | And[Test] | Or[Test] | Not[Test]


class ExpressionError(ValueError):
    """An expression that is invalid; `position` is the offset of the error, or None."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message} at character {position + 1}")
        self.position = position


def compile_tree(
    condition: Condition[Test], compile_test: Callable[[Test], Callable[[Facts], bool]]
) -> Callable[[Facts], bool]:
    """Return a function of facts that tests the condition; `compile_test` returns it for one test."""
    if isinstance(condition, And):
        all_of = [compile_tree(item, compile_test) for item in condition.items]
        return lambda facts: all(test(facts) for test in all_of)
    if isinstance(condition, Or):
        any_of = [compile_tree(item, compile_test) for item in condition.items]
        return lambda facts: any(test(facts) for test in any_of)
    if isinstance(condition, Not):
        inner = compile_tree(condition.item, compile_test)
        return lambda facts: not inner(facts)
    return compile_test(condition)


def tests_of(condition: Condition[Test]) -> Iterator[Test]:
    """Yield the tests of a condition in order, each as often as it occurs."""
    if isinstance(condition, (And, Or, Not)):
        for operand in operands(condition):
            yield from tests_of(operand)
    else:
        yield condition


def operands(condition: Condition[Test]) -> tuple[Condition[Test], ...]:
    """Return the conditions of which this one consists; a test has none."""
    if isinstance(condition, Not):
        return (condition.item,)
    return condition.items if isinstance(condition, (And, Or)) else ()
