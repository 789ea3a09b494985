"""Joins containers that share a router but name no service.

Such containers were started by hand with the same router label. Each would give the router a service named
after the container; Traefik reports a conflict and drops the router. Here the containers become the servers
of one service, named after the router.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router, Service


class ImplicitServices:
    """Decoded containers by key, with implicit services joined for the routers that they share."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._decoded: dict[str, Decoded] = {}
        self._sharers: dict[str, dict[str, Router]] = {}
        self._shared: dict[str, tuple[str, ...]] = {}
        self._changed_keys: set[str] = set()
        self._changed_routers: set[str] = set()

    def put(self, key: str, decoded: Decoded) -> None:
        """Add or replace the decoded container under `key`."""
        self.remove(key)
        self._decoded[key] = decoded
        for router in _implicit_routers(decoded):
            self._sharers.setdefault(router.name, {})[key] = router
            self._changed_routers.add(router.name)

    def remove(self, key: str) -> None:
        """Remove a key; an unknown key is ignored."""
        self._changed_keys.add(key)
        before = self._decoded.pop(key, None)
        for router in () if before is None else _implicit_routers(before):
            self._sharers[router.name].pop(key, None)
            self._changed_routers.add(router.name)

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
            key: None if decoded is None else _join_services(decoded, self._shared, self._provider)
            for key, decoded in ((key, self._decoded.get(key)) for key in affected)
        }


def _implicit_routers(decoded: Decoded) -> list[Router]:
    return (
        [router for router in decoded.routers if router.name in decoded.implicit_routers]
        if decoded.implicit_routers
        else []
    )


def _differ_in_service(routers: Collection[Router]) -> bool:
    if len({router.service for router in routers}) < 2:
        return False
    first, *others = (replace(router, service="") for router in routers)
    return all(router == first for router in others)


def _join_services(decoded: Decoded, shared: dict[str, tuple[str, ...]], provider: str) -> Decoded:
    moved = {router.name: router.service for router in decoded.routers if _is_shared(router, decoded, shared)}
    if not moved:
        return decoded
    own = {service.name: service for service in decoded.services}
    routers = tuple(
        replace(router, service=router.name) if router.name in moved else router for router in decoded.routers
    )
    named = {name: replace(own[service], name=name) for name, service in moved.items()}
    still_used = {router.service for router in routers}
    kept = {
        name: service for name, service in own.items() if name in still_used or name not in moved.values()
    }
    services: dict[str, Service] = {**kept, **named}
    keys = {**decoded.keys, **{f"services.{name}": decoded.keys[f"routers.{name}"] for name in moved}}
    notes = tuple(_note(decoded, name, shared[name], provider) for name in moved)
    return replace(
        decoded,
        routers=routers,
        services=tuple(services.values()),
        keys=keys,
        diagnostics=decoded.diagnostics + notes,
    )


def _is_shared(router: Router, decoded: Decoded, shared: dict[str, tuple[str, ...]]) -> bool:
    return router.name in decoded.implicit_routers and router.name in shared


def _note(decoded: Decoded, name: str, subjects: tuple[str, ...], provider: str) -> Diagnostic:
    return Diagnostic(
        Severity.NOTE,
        provider,
        decoded.subject,
        f"joined with {_others(decoded.subject, subjects)} as servers of service {name}, "
        f"because they share {decoded.keys[f'routers.{name}']} and name no service",
        f"to name the service explicitly, set label {decoded.keys[f'routers.{name}']}.service",
    )


def _others(subject: str, subjects: tuple[str, ...]) -> str:
    others = [other for other in subjects if other != subject]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return ", ".join(others[:3]) + more
