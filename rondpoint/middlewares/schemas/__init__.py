"""The schemas of all kinds of middleware of Traefik 3.7, and of one of Traefik 1, grouped by family.

Names and defaults are those of Traefik's `pkg/config/dynamic/middlewares.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rondpoint.middlewares.options import Group
from rondpoint.middlewares.schemas import access, auth, content, gateway, paths, tcp, traffic

SCHEMAS: Mapping[str, Group] = MappingProxyType(
    {**access.KINDS, **auth.KINDS, **content.KINDS, **gateway.KINDS, **paths.KINDS, **traffic.KINDS}
)
"""Kind in Traefik 3 spelling → its options; those of HTTP routers."""

CANONICAL: Mapping[str, str] = MappingProxyType({name.lower(): name for name in SCHEMAS})
"""Lower-case kind → kind."""

TCP_SCHEMAS: Mapping[str, Group] = MappingProxyType(tcp.KINDS)
"""The same for those of TCP routers; two kinds have names of HTTP's, and fewer options."""
