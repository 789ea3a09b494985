"""The changes that rules of Traefik 1 ask for, as middlewares of their routers."""

from __future__ import annotations

from collections.abc import Iterable

from discovery.decoding.names import qualify
from rondpoint.middlewares.canonical import canonical
from rondpoint.model import Middleware
from rondpoint.rules.modifiers import Modifier


def modifier_middlewares(router: str, modifiers: Iterable[Modifier]) -> tuple[Middleware, ...]:
    """One for each, named after the router, whose qualified name is `router`; in their order."""
    bare, _, provider = router.rpartition("@")
    return tuple(
        Middleware(
            qualify(f"{bare}-{modifier.kind}", provider),
            modifier.kind,
            canonical(modifier.kind, modifier.options, str).options,
        )
        for modifier in modifiers
    )
