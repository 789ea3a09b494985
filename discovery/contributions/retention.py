"""What stays of a provider that has not spoken since the agent started: what is stored of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from discovery.health.server_states import unjudged
from rondpoint.model import Configuration
from rondpoint.store.state import State

T = TypeVar("T")


def retained(state: State, provider: str) -> Configuration:
    """The objects in `state` that bear the provider's name, as the provider made them."""
    suffix = f"@{provider}"
    return Configuration(
        _of(state.routers, suffix),
        {name: unjudged(service) for name, service in _of(state.services, suffix).items()},
        _of(state.middlewares, suffix),
    )


def _of(objects: Mapping[str, T], suffix: str) -> dict[str, T]:
    return {name: value for name, value in objects.items() if name.endswith(suffix)}
