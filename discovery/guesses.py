"""Containers that share a router but name no service.

Started by hand with the same router label, each would give that router a service named after itself:
Traefik sees a conflict and drops the router. Here they become the servers of one service, named after
the router.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router, Service


def join_guessed_services(parts: Sequence[Decoded], provider: str) -> list[Decoded]:
    """The same parts, in which routers that several containers share lead to one service."""
    shared = _shared_routers(parts)
    return [_joined(part, shared, provider) for part in parts] if shared else list(parts)


def _shared_routers(parts: Sequence[Decoded]) -> dict[str, tuple[str, ...]]:
    """Routers that several parts give alike but for the guessed service → those parts' subjects."""
    guesses: dict[str, dict[str, Router]] = {}
    for part in parts:
        for router in part.routers:
            if router.name in part.implied:
                guesses.setdefault(router.name, {})[part.subject] = router
    return {name: tuple(given) for name, given in guesses.items() if _differ_in_service(given.values())}


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
