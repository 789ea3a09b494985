"""Closes connections over TLS for names that no route of a port takes.

Without it, HTTP would take them: it completes the handshake with a certificate for another name, and responds
404. Its routers come after all others, so HTTP routers for hosts, and other TCP routers, keep what is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable

from discovery.decoding.names import normalise, qualify
from discovery.providers.kubernetes_gateway.listeners import Listener
from discovery.providers.kubernetes_gateway.options import PROVIDER
from rondpoint.rules import tcp as rules
from rondpoint.tcp.model import TcpRouter, TcpService

_EVERY_NAME = rules.parse("HostSNI(`*`)")
_LAST = -(1 << 62)
"""The priority: below those of all routes."""


def refuse_unknown_names(
    listeners: Iterable[Listener],
) -> tuple[tuple[TcpRouter, ...], tuple[TcpService, ...]]:
    """Return routers and services that close connections on the entry points of listeners for TLS."""
    routers: dict[str, TcpRouter] = {}
    for listener in listeners:
        if listener.protocol != "TLS" or not listener.accepted:
            continue
        key = f"gateway-{listener.namespace}-{listener.gateway}-ep-{listener.entry_point}-unknown-names"
        name = qualify(normalise(key), PROVIDER)
        points = (listener.entry_point,)
        # With passthrough the proxy does not end TLS, so it needs no certificate.
        routers[name] = TcpRouter(name, _EVERY_NAME, name, _LAST, points, tls=True, passthrough=True)
    return tuple(routers.values()), tuple(TcpService(name) for name in routers)
