"""The routers above and below a router, for its request flow on the dashboard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from msgspec import Struct

from rondpoint.model import Router

MAX_SHOWN = 12
"""Routers shown above a router, and below it."""


class RouterLayers(Struct, frozen=True):
    """The parents of a router, nearest first, and its child routers; `more` counts those not shown.

    `roots` are the root routers above it, whose entry points its requests come from.
    """

    parents: tuple[Router, ...] = ()
    roots: tuple[Router, ...] = ()
    children: tuple[Router, ...] = ()
    more: int = 0


NO_LAYERS = RouterLayers()


def find_layers(name: str, routers: Mapping[str, Router], all_routers: Iterable[Router]) -> RouterLayers:
    """Return the layers around a router; `all_routers` yields the values of `routers`, in portions."""
    router = routers.get(name)
    if router is None or (router.service and not router.parents):
        return NO_LAYERS
    above = list(_above(router, routers))
    below = [] if router.service else sorted(each.name for each in all_routers if name in each.parents)
    return RouterLayers(
        tuple(islice(above, MAX_SHOWN)),
        tuple(each for each in above if not each.parents),
        tuple(routers[child] for child in below[:MAX_SHOWN]),
        max(0, len(below) - MAX_SHOWN),
    )


def _above(router: Router, routers: Mapping[str, Router]) -> Iterator[Router]:
    """Yield the routers above a router, layer by layer, each once."""
    seen = {router.name}
    layer = [router]
    while layer:
        names = dict.fromkeys(parent for each in layer for parent in each.parents)
        layer = [routers[name] for name in names if name in routers and name not in seen]
        seen.update(each.name for each in layer)
        yield from layer
