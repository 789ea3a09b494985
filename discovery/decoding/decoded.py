"""The result of decoding one container's labels or one file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from discovery.decoding.written_pair import WrittenPair
from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Middleware, Router, ServersTransport, Service
from rondpoint.tls.model import Certificate, TlsOptions


def _no_keys() -> Mapping[str, str]:
    return MappingProxyType({})


class Decoded(Struct, frozen=True):
    """The objects that one container or one file defines; names are qualified (`hello@docker`).

    - `subject` names the container or file, as diagnostics do.
    - `services` hold the servers of this container or file only; `discovery.merging.union` joins them.
    - `implicit_routers` are the names of routers with an implicit service: neither the router nor a service
      label names one. `discovery.merging.union` may replace the implicit service.
    - `keys` maps each object to the key under which it was written, for messages about conflicts:
      `routers.hello@docker` → `traefik.http.routers.hello`.
    - `origins` maps services to where their servers come from, if it matters: two services of one name and
      different origins are different services, and contradict each other.
    - `first_wins`: if another subject defines a router of the same name with other values, the first one by
      subject is used, as in Traefik 1. Otherwise both are left out, as in Traefik 3.
    """

    subject: str
    routers: tuple[Router, ...] = ()
    services: tuple[Service, ...] = ()
    middlewares: tuple[Middleware, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    implicit_routers: frozenset[str] = frozenset()
    keys: Mapping[str, str] = field(default_factory=_no_keys)
    first_wins: bool = False
    origins: Mapping[str, str] = field(default_factory=_no_keys)
    servers_transports: tuple[ServersTransport, ...] = ()
    tls_options: tuple[TlsOptions, ...] = ()
    pairs: tuple[WrittenPair, ...] = ()
    certificates: tuple[Certificate, ...] = ()
