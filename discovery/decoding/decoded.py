"""What a decoder makes of one thing that a user wrote: a container's labels, or one file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Middleware, Router, Service


def _no_keys() -> Mapping[str, str]:
    return MappingProxyType({})


class Decoded(Struct, frozen=True):
    """The objects one container or one file defines; names are qualified (`hello@docker`).

    - `subject` names the container or file, as diagnostics do.
    - `services` hold the servers of this container or file only; `discovery.merging.union` joins them.
    - `implicit_routers` are names of routers whose author named no service, neither by the router nor by a
      service label: their service is a guess, which `discovery.merging.union` may better.
    - `keys` says where each object was written, for messages about conflicts:
      `routers.hello@docker` → `traefik.http.routers.hello`.
    - `first_wins`: where another subject gives a router of the same name other values, the first
      by subject stands, as in Traefik 1; otherwise both fall, as in Traefik 3.
    """

    subject: str
    routers: tuple[Router, ...] = ()
    services: tuple[Service, ...] = ()
    middlewares: tuple[Middleware, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    implicit_routers: frozenset[str] = frozenset()
    keys: Mapping[str, str] = field(default_factory=_no_keys)
    first_wins: bool = False
