"""The registry of balancing strategies, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import Strategy

STRATEGIES: dict[str, Strategy] = {}
"""Every implemented strategy by its name in the model; a service with any other name uses round robin."""


def strategy(name: str) -> Callable[[Strategy], Strategy]:
    """Register the decorated function as the strategy of this name."""

    def register(function: Strategy) -> Strategy:
        STRATEGIES[name] = function
        return function

    return register
