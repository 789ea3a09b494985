"""The way that a router's requests take, stage by stage, for a picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from msgspec import Struct

from proxy.admin.live.counter_deltas import server_key
from proxy.admin.views.routers import RouterView
from rondpoint.middlewares.kinds import MOST
from rondpoint.model import Middleware, Server, ServerState, Service
from rondpoint.settings import EntryPoint

DRAWN = 12
"""Servers of one service that are drawn."""

DEEPEST = 6
"""Services within services that are drawn."""

WIDEST = 100
"""Services of one way that are drawn, at all depths: those that are made of each other multiply."""


class Gate(Struct, frozen=True):
    """An entry point; `closed` says why it is closed, if so."""

    name: str
    address: str
    tls: bool
    closed: str = ""


class Step(Struct, frozen=True):
    """A middleware; `kind` is empty where there is none of the name. Those of a chain follow it, deeper."""

    name: str
    kind: str
    depth: int = 0


class Stop(Struct, frozen=True):
    """A server; `state` is `up`, `draining`, `down`, or `aside` where it could not be reached.

    `key` is that of its figures.
    """

    key: str
    name: str
    url: str
    weight: int
    state: str


class Junction(Struct, frozen=True):
    """A service, and the servers or services that its requests go on to; `more` of them are not drawn.

    `weight` is its share of the service above, None for the router's own. `fault` says why it serves nothing.
    """

    name: str
    how: str
    weight: int | None = None
    cookie: str = ""
    steps: tuple[Step, ...] = ()
    stops: tuple[Stop, ...] = ()
    more: int = 0
    members: tuple[Junction, ...] = ()
    fault: str = ""

    def all_stops(self) -> Iterator[Stop]:
        """The servers that are drawn, those of members too."""
        yield from self.stops
        for member in self.members:
            yield from member.all_stops()


class Way(Struct, frozen=True):
    gates: tuple[Gate, ...]
    router: RouterView
    steps: tuple[Step, ...]
    junction: Junction | None


class Ground(Struct, frozen=True):
    """What a way is drawn from; `aside` are URLs of servers that were put aside, `closed` tells of entry
    points why they are closed.
    """

    entry_points: Mapping[str, EntryPoint]
    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    aside: Collection[str] = ()
    closed: Mapping[str, str] = MappingProxyType({})


def way_of(router: RouterView, ground: Ground) -> Way:
    """From entry point to server."""
    points = ground.entry_points
    gates = tuple(
        Gate(name, points[name].address, points[name].tls is not None, ground.closed.get(name, ""))
        for name in router.entry_points
        if name in points
    )
    junction = _junction(router.service, ground, None, (), iter(range(WIDEST))) if router.service else None
    return Way(gates, router, _drawn_steps(router.middlewares, ground), junction)


def _drawn_steps(names: Collection[str], ground: Ground) -> tuple[Step, ...]:
    # With more of them nothing is served, and chains of chains may come to endless ones.
    return tuple(islice(_steps(names, ground, ()), MOST))


def _steps(names: Collection[str], ground: Ground, above: tuple[str, ...]) -> Iterator[Step]:
    for name in names:
        middleware = ground.middlewares.get(name)
        yield Step(name, "" if middleware is None else middleware.kind, len(above))
        if middleware is not None and middleware.kind == "chain" and name not in above:
            yield from _steps(middleware.options.get("middlewares", ()), ground, (*above, name))


def _junction(
    name: str, ground: Ground, weight: int | None, above: tuple[str, ...], left: Iterator[int]
) -> Junction:
    """`left` has an item for each service that may still be drawn."""
    service = ground.services.get(name)
    if service is None:
        return Junction(name, "", weight, fault="it does not exist")
    members: tuple[Junction, ...] = ()
    if name not in above and len(above) < DEEPEST:
        members = tuple(
            _junction(member.name, ground, member.weight, (*above, name), left)
            for member in service.members
            if next(left, None) is not None
        )
    servers = service.servers
    return Junction(
        name=name,
        how=service.composition or service.strategy,
        weight=weight,
        cookie="" if service.sticky is None else service.sticky.called(name),
        steps=_drawn_steps(service.middlewares, ground),
        stops=tuple(_stop(name, server, ground.aside) for server in servers[:DRAWN]),
        more=max(0, len(servers) - DRAWN) + len(service.members) - len(members),
        members=members,
        fault=service.unserved or ("" if servers or service.members else "it has no servers"),
    )


def _stop(service: str, server: Server, aside: Collection[str]) -> Stop:
    is_aside = server.state is ServerState.UP and server.url in aside
    state = "aside" if is_aside else server.state.value
    return Stop(server_key(service, server.url), server.name, server.url, server.weight, state)
