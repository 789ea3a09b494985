"""Joins containers that share a router but name no service.

Such containers were started by hand with the same router label. Each would give the router a service named
after the container; Traefik reports a conflict and drops the router. Here the containers become the servers
of one service, named after the router.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router
from rondpoint.tcp.model import TcpRouter
from rondpoint.udp.model import UdpRouter

_Router = Router | TcpRouter | UdpRouter


class _Protocol(NamedTuple):
    """The fields of Decoded with the routers and services of one protocol, and the prefixes of their keys."""

    routers: str
    services: str
    implicit: str
    router_key: str
    service_key: str


_PROTOCOLS = (
    _Protocol("routers", "services", "implicit_routers", "routers", "services"),
    _Protocol("tcp_routers", "tcp_services", "implicit_tcp_routers", "tcpRouters", "tcpServices"),
    _Protocol("udp_routers", "udp_services", "implicit_udp_routers", "udpRouters", "udpServices"),
)

_Name = tuple[_Protocol, str]
"""A router's protocol and name; protocols have separate names."""


class ImplicitServices:
    """Decoded containers by key, with implicit services joined for the routers that they share."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._decoded: dict[str, Decoded] = {}
        self._sharers: dict[_Name, dict[str, _Router]] = {}
        self._shared: dict[_Name, tuple[str, ...]] = {}
        self._changed_keys: set[str] = set()
        self._changed_routers: set[_Name] = set()

    def put(self, key: str, decoded: Decoded) -> None:
        """Add or replace the decoded container under `key`."""
        self.remove(key)
        self._decoded[key] = decoded
        for name, router in _implicit_routers(decoded):
            self._sharers.setdefault(name, {})[key] = router
            self._changed_routers.add(name)

    def remove(self, key: str) -> None:
        """Remove a key; an unknown key is ignored."""
        self._changed_keys.add(key)
        before = self._decoded.pop(key, None)
        for name, _ in () if before is None else _implicit_routers(before):
            self._sharers[name].pop(key, None)
            self._changed_routers.add(name)

    def take_changes(self) -> dict[str, Decoded | None]:
        """Return what has changed since the last call, by key; None stands for a removed key."""
        affected = set(self._changed_keys)
        for name in self._changed_routers:
            sharers = self._sharers[name]
            affected |= sharers.keys()
            if _differ_in_service(sharers.values()):
                self._shared[name] = tuple(sorted(self._decoded[key].subject for key in sharers))
            else:
                self._shared.pop(name, None)
            if not sharers:
                del self._sharers[name]
        self._changed_keys.clear()
        self._changed_routers.clear()
        return {
            key: None if decoded is None else self._join(decoded)
            for key, decoded in ((key, self._decoded.get(key)) for key in affected)
        }

    def _join(self, decoded: Decoded) -> Decoded:
        for protocol in _PROTOCOLS if self._shared else ():
            implicit: frozenset[str] = getattr(decoded, protocol.implicit)
            shared = {
                name: self._shared[protocol, name] for name in implicit if (protocol, name) in self._shared
            }
            if shared:
                decoded = _join_services(decoded, protocol, shared, self._provider)
        return decoded


def _implicit_routers(decoded: Decoded) -> Iterable[tuple[_Name, _Router]]:
    for protocol in _PROTOCOLS:
        implicit: frozenset[str] = getattr(decoded, protocol.implicit)
        for router in getattr(decoded, protocol.routers) if implicit else ():
            if router.name in implicit:
                yield (protocol, router.name), router


def _differ_in_service(routers: Collection[_Router]) -> bool:
    if len({router.service for router in routers}) < 2:
        return False
    first, *others = (_with_service(router, "") for router in routers)
    return all(router == first for router in others)


def _with_service(router: _Router, service: str) -> _Router:
    return replace(router, service=service)


def _join_services(
    decoded: Decoded, protocol: _Protocol, shared: dict[str, tuple[str, ...]], provider: str
) -> Decoded:
    moved = {
        router.name: router.service for router in getattr(decoded, protocol.routers) if router.name in shared
    }
    own = {service.name: service for service in getattr(decoded, protocol.services)}
    routers = tuple(
        _with_service(router, router.name) if router.name in moved else router
        for router in getattr(decoded, protocol.routers)
    )
    named = {name: replace(own[service], name=name) for name, service in moved.items()}
    still_used = {router.service for router in routers}
    kept = {
        name: service for name, service in own.items() if name in still_used or name not in moved.values()
    }
    keys = {name: decoded.keys[f"{protocol.router_key}.{name}"] for name in moved}
    notes = tuple(_note(decoded, name, keys[name], shared[name], provider) for name in moved)
    changed: dict[str, Any] = {
        protocol.routers: routers,
        protocol.services: tuple({**kept, **named}.values()),
    }
    return replace(
        decoded,
        **changed,
        keys={**decoded.keys, **{f"{protocol.service_key}.{name}": key for name, key in keys.items()}},
        diagnostics=decoded.diagnostics + notes,
    )


def _note(decoded: Decoded, name: str, key: str, subjects: tuple[str, ...], provider: str) -> Diagnostic:
    return Diagnostic(
        Severity.NOTE,
        provider,
        decoded.subject,
        f"joined with {_others(decoded.subject, subjects)} as servers of service {name}, "
        f"because they share {key} and name no service",
        f"to name the service explicitly, set label {key}.service",
    )


def _others(subject: str, subjects: tuple[str, ...]) -> str:
    others = [other for other in subjects if other != subject]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return ", ".join(others[:3]) + more
