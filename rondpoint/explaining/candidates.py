"""Evaluates the routers that could take a request, in order, up to the one that does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from heapq import heapify, heappop
from typing import Protocol, TypeVar

from rondpoint.explaining.explanation import Candidate
from rondpoint.model import Router
from rondpoint.rules.evaluate import Evaluation, explain
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Rule
from rondpoint.rules.literal_hosts import literal_hosts
from rondpoint.rules.request_facts import Facts
from rondpoint.rules.rule_text import format_expression

MAX_LISTED = 50
"""The most candidates in an explanation, and the most diagnostics."""


class HasRule(Protocol):
    """A router of any protocol."""

    @property
    def name(self) -> str: ...

    @property
    def rule(self) -> Rule: ...

    @property
    def priority(self) -> int: ...


AnyRouter = TypeVar("AnyRouter", bound=HasRule)


def evaluate_candidates(
    routers: Iterable[Router], facts: Facts, yield_if_due: Callable[[], None]
) -> tuple[tuple[Candidate, ...], int, Router | None]:
    """Evaluate those of `routers` that could serve the host, in order, up to the first that matches.

    Return the last MAX_LISTED of them, the number of those before, and the router that matches.
    """
    possible = _possible(routers, facts.host, yield_if_due)
    return evaluate_in_order(possible, partial(explain, facts=facts), yield_if_due)


def evaluate_in_order(
    routers: Iterable[AnyRouter],
    explain_rule: Callable[[Expression], Evaluation],
    yield_if_due: Callable[[], None],
) -> tuple[tuple[Candidate, ...], int, AnyRouter | None]:
    """Evaluate the rules of these routers by priority and name, up to the first that matches.

    Return the last MAX_LISTED of them, the number of those before, and the router that matches.
    """
    tried: deque[Candidate] = deque(maxlen=MAX_LISTED)
    count = 0
    # Use a heap, because sorting very many routers would never yield. Names are unique.
    waiting = [(-router.priority, router.name, router) for router in routers]
    heapify(waiting)
    while waiting:
        yield_if_due()
        router = heappop(waiting)[2]
        evaluation = explain_rule(router.rule.expression)
        failed = () if evaluation.matches else tuple(_failed_matchers(evaluation))
        tried.append(Candidate(router.name, router.rule.text, router.priority, evaluation.matches, failed))
        count += 1
        if evaluation.matches:
            return tuple(tried), count - len(tried), router
    return tuple(tried), count - len(tried), None


def _possible(routers: Iterable[Router], host: str, yield_if_due: Callable[[], None]) -> Iterator[Router]:
    """Yield the routers that could serve the host."""
    for router in routers:
        yield_if_due()
        hosts = literal_hosts(router.rule.expression)
        if hosts is None or host in hosts:
            yield router


def _failed_matchers(evaluation: Evaluation) -> Iterator[str]:
    """Yield the matchers because of which an expression does not match."""
    if isinstance(evaluation.expression, (Match, Keyed, Not)):
        yield format_expression(evaluation.expression)
        return
    for operand in evaluation.operands:
        if not operand.matches:
            yield from _failed_matchers(operand)
            if isinstance(evaluation.expression, And):
                return
