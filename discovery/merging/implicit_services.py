"""Containers that share a router but name no service.

Started by hand with the same router label, each would give that router a service named after itself:
Traefik sees a conflict and drops the router. Here they become the servers of one service, named after
the router.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router, Service


class Guesses:
    """Parts by key as they were given, and what sharing routers makes of them."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._parts: dict[str, Decoded] = {}
        self._sharers: dict[str, dict[str, Router]] = {}
        self._shared: dict[str, tuple[str, ...]] = {}
        self._changed: set[str] = set()
        self._regrouped: set[str] = set()

    def put(self, key: str, part: Decoded) -> None:
        """Add or replace a part."""
        self.remove(key)
        self._parts[key] = part
        for router in _guessed(part):
            self._sharers.setdefault(router.name, {})[key] = router
            self._regrouped.add(router.name)

    def remove(self, key: str) -> None:
        """Take a part out; a key that is not there is no fault."""
        self._changed.add(key)
        before = self._parts.pop(key, None)
        for router in () if before is None else _guessed(before):
            self._sharers[router.name].pop(key, None)
            self._regrouped.add(router.name)

    def settle(self) -> dict[str, Decoded | None]:
        """The parts that are others than at the last call, as they are now; None for those that have gone."""
        affected = set(self._changed)
        for name in self._regrouped:
            sharers = self._sharers[name]
            affected |= sharers.keys()
            if _differ_in_service(sharers.values()):
                self._shared[name] = tuple(sorted(self._parts[key].subject for key in sharers))
            else:
                self._shared.pop(name, None)
            if not sharers:
                del self._sharers[name]
        self._changed.clear()
        self._regrouped.clear()
        return {
            key: None if part is None else _joined(part, self._shared, self._provider)
            for key, part in ((key, self._parts.get(key)) for key in affected)
        }


def _guessed(part: Decoded) -> list[Router]:
    return [router for router in part.routers if router.name in part.implied] if part.implied else []


def _differ_in_service(routers: Collection[Router]) -> bool:
    if len({router.service for router in routers}) < 2:
        return False
    first, *others = (replace(router, service="") for router in routers)
    return all(router == first for router in others)


def _joined(part: Decoded, shared: dict[str, tuple[str, ...]], provider: str) -> Decoded:
    moved = {router.name: router.service for router in part.routers if _moves(router, part, shared)}
    if not moved:
        return part
    own = {service.name: service for service in part.services}
    routers = tuple(
        replace(router, service=router.name) if router.name in moved else router for router in part.routers
    )
    named = {name: replace(own[service], name=name) for name, service in moved.items()}
    still_used = {router.service for router in routers}
    kept = {
        name: service for name, service in own.items() if name in still_used or name not in moved.values()
    }
    services: dict[str, Service] = {**kept, **named}
    keys = {**part.keys, **{f"services.{name}": part.keys[f"routers.{name}"] for name in moved}}
    notes = tuple(_note(part, name, shared[name], provider) for name in moved)
    return replace(
        part,
        routers=routers,
        services=tuple(services.values()),
        keys=keys,
        diagnostics=part.diagnostics + notes,
    )


def _moves(router: Router, part: Decoded, shared: dict[str, tuple[str, ...]]) -> bool:
    return router.name in part.implied and router.name in shared


def _note(part: Decoded, name: str, subjects: tuple[str, ...], provider: str) -> Diagnostic:
    return Diagnostic(
        Severity.NOTE,
        provider,
        part.subject,
        f"joined with {_others(part.subject, subjects)} as servers of service {name}, "
        f"because they share {part.keys[f'routers.{name}']} and name no service",
        f"to say so yourself, set label {part.keys[f'routers.{name}']}.service",
    )


def _others(subject: str, subjects: tuple[str, ...]) -> str:
    others = [other for other in subjects if other != subject]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return ", ".join(others[:3]) + more
