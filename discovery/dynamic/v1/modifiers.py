"""Turns the modifiers in Traefik 1 rules into middlewares of their routers."""

from __future__ import annotations

from collections.abc import Iterable

from discovery.decoding.names import qualify
from rondpoint.middlewares.canonical import canonicalise
from rondpoint.model import Middleware
from rondpoint.rules.modifiers import Modifier


def modifier_middlewares(router: str, modifiers: Iterable[Modifier]) -> tuple[Middleware, ...]:
    """Return one middleware for each modifier, in order, named after the qualified name `router`."""
    bare, _, provider = router.rpartition("@")
    return tuple(
        Middleware(
            qualify(f"{bare}-{modifier.kind}", provider),
            modifier.kind,
            canonicalise(modifier.kind, modifier.options, str).options,
        )
        for modifier in modifiers
    )
