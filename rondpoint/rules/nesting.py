"""Counts how deep an expression is nested, so that code that walks it by recursion can rely on a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Node = TypeVar("Node")


def nesting_depth(root: Node, operands: Callable[[Node], Iterable[Node]]) -> int:
    """Count the levels of operators above the lowest node; `operands` returns those of a node.

    This count takes no recursion itself.
    """
    deepest = 0
    waiting = [(root, 0)]
    while waiting:
        node, level = waiting.pop()
        deepest = max(deepest, level)
        waiting.extend((operand, level + 1) for operand in operands(node))
    return deepest
