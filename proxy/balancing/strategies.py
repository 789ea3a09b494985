"""The strategies that choose a service's servers, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import Strategy

STRATEGIES: dict[str, Strategy] = {}
"""Every strategy that is followed, by its name in the model; others are taken in turn."""


def strategy(name: str) -> Callable[[Strategy], Strategy]:
    """Register a strategy."""

    def register(function: Strategy) -> Strategy:
        STRATEGIES[name] = function
        return function

    return register
