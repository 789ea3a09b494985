"""Explains how a request gets from a parent router to the router with a service."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.candidates import evaluate_candidates
from rondpoint.explaining.explanation import Explanation
from rondpoint.explaining.middleware_faults import find_middleware_fault
from rondpoint.model import MAX_ROUTER_LAYERS, Router
from rondpoint.rules.request_facts import Facts


def explain_children(
    configuration: ActiveConfiguration,
    explanation: Explanation,
    root: Router,
    facts: Facts,
    yield_if_due: Callable[[], None],
) -> tuple[Explanation, Router | None]:
    """Continue `explanation` from `root`, which has no service, to the router that has one.

    Return that router, or None if the explanation is complete because no router takes the request. The
    rules of child routers are evaluated with `facts`, although middlewares may change them before.
    """
    router = root
    changed = bool(explanation.middlewares)
    for _ in range(1, MAX_ROUTER_LAYERS):
        children = (each for each in configuration.routers.values() if router.name in each.parents)
        tried, omitted, child = evaluate_candidates(children, facts, yield_if_due)
        explanation = replace(
            explanation,
            candidates=(*explanation.candidates, *tried),
            omitted=explanation.omitted + omitted,
            notes=(_note(router),) if changed else (),
        )
        if child is None:
            reason = f"no child router of {router.name} matches"
            return replace(explanation, status=404, reason=reason), None
        middlewares = (*explanation.middlewares, *child.middlewares)
        changed = bool(middlewares)
        explanation = replace(
            explanation,
            parents=(*explanation.parents, router.name),
            router=child.name,
            middlewares=middlewares,
            service=child.service,
        )
        fault = find_middleware_fault(configuration, child.middlewares)
        if fault:
            return replace(explanation, status=503, reason=fault), None
        if child.service:
            return explanation, child
        router = child
    reason = f"routers are nested {MAX_ROUTER_LAYERS} levels deep"
    return replace(explanation, status=503, reason=reason), None


def _note(router: Router) -> str:
    return (
        f"the child routers of {router.name} are tested with the request as given, "
        "but middlewares before them may change it"
    )
