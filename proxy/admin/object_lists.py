"""Which objects of a kind a query asks for, in which order: what both the API and the dashboard list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proxy.admin.current_configuration import Present
from proxy.admin.current_worker import runtime
from proxy.admin.list_query import (
    MIDDLEWARE_ORDERS,
    ROUTER_ORDERS,
    SERVICE_ORDERS,
    Selection,
    selection,
)
from proxy.admin.views.object_status import provider_of
from proxy.admin.views.services import type_of

Order = Callable[[str], Any]


def listed(present: Present, kind: str, query: Mapping[str, str]) -> list[str]:
    """The names of all that are asked for (`router`, `service` or `middleware`), in order."""
    wanted = selection(query, _ORDERS[kind])
    names = list(_wanted(present, kind, wanted))
    if wanted.order != "name":
        order = _KEYS[kind](present, wanted.order)
        keys = {name: order(name) for name in present.in_portions(names)}
        names.sort(key=lambda name: (keys[name], name), reverse=wanted.descending)
    elif wanted.descending:
        names.reverse()
    return names


def _wanted(present: Present, kind: str, wanted: Selection) -> Iterator[str]:
    for name in present.in_portions(present.names(kind)):
        if wanted.status and not wanted.has_status(present.standing_of(kind, name).status):
            continue
        if _is_wanted_router(present, name, wanted) if kind == "router" else wanted.finds(name):
            yield name


def _is_wanted_router(present: Present, name: str, wanted: Selection) -> bool:
    router = present.state.routers.get(name)
    if router is None:
        return wanted.finds(name) and not wanted.service and not wanted.middleware
    return (
        wanted.finds(router.rule.text, name)
        and wanted.leads_to(router.service)
        and wanted.uses(router.middlewares)
    )


def _router_order(present: Present, order: str) -> Order:
    def key(name: str) -> Any:
        router = present.state.routers.get(name)
        if order == "priority":
            return 0 if router is None else router.priority
        if order == "entryPoints":
            defaults = runtime().settings.default_entry_points
            return 0 if router is None else len(router.entry_points or defaults)
        if order == "rule":
            return "" if router is None else router.rule.text
        if order == "service":
            return "" if router is None else router.service
        return _common(present, "router", name, order)

    return key


def _service_order(present: Present, order: str) -> Order:
    def key(name: str) -> Any:
        service = present.state.services.get(name)
        if order == "servers":
            return 0 if service is None else len(service.servers)
        if order == "type":
            return "" if service is None else type_of(service)
        return _common(present, "service", name, order)

    return key


def _middleware_order(present: Present, order: str) -> Order:
    def key(name: str) -> Any:
        middleware = present.state.middlewares.get(name)
        if order == "type":
            return "" if middleware is None else middleware.kind.lower()
        return _common(present, "middleware", name, order)

    return key


def _common(present: Present, kind: str, name: str, order: str) -> str:
    return provider_of(name) if order == "provider" else present.standing_of(kind, name).status


_ORDERS = {"router": ROUTER_ORDERS, "service": SERVICE_ORDERS, "middleware": MIDDLEWARE_ORDERS}
_KEYS = {"router": _router_order, "service": _service_order, "middleware": _middleware_order}
