"""Filters and sorts the objects of a kind by a query, for the API and the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.list_query import (
    MIDDLEWARE_ORDERS,
    ROUTER_ORDERS,
    SERVICE_ORDERS,
    ListQuery,
    parse_list_query,
)
from proxy.admin.views.object_status import provider_of
from proxy.admin.views.services import type_of

SortKey = Callable[[str], Any]


def list_names(configuration: CurrentConfiguration, kind: str, query: Mapping[str, str]) -> list[str]:
    """Return the sorted names of the matching objects of a kind (`router`, `service` or `middleware`)."""
    list_query = parse_list_query(query, _SORT_FIELDS[kind])
    names = list(_matching_names(configuration, kind, list_query))
    if list_query.order != "name":
        order = _SORT_KEYS[kind](configuration, list_query.order)
        keys = {name: order(name) for name in configuration.in_portions(names)}
        names.sort(key=lambda name: (keys[name], name), reverse=list_query.descending)
    elif list_query.descending:
        names.reverse()
    return names


def _matching_names(configuration: CurrentConfiguration, kind: str, list_query: ListQuery) -> Iterator[str]:
    for name in configuration.in_portions(configuration.names(kind)):
        if list_query.status and not list_query.matches_status(
            configuration.object_status(kind, name).status
        ):
            continue
        if (
            _router_matches(configuration, name, list_query)
            if kind == "router"
            else list_query.matches_search(name)
        ):
            yield name


def _router_matches(configuration: CurrentConfiguration, name: str, list_query: ListQuery) -> bool:
    router = configuration.state.routers.get(name)
    if router is None:
        return list_query.matches_search(name) and not list_query.service and not list_query.middleware
    return (
        list_query.matches_search(router.rule.text, name)
        and list_query.leads_to(router.service)
        and list_query.uses(router.middlewares)
    )


def _router_sort_key(configuration: CurrentConfiguration, order: str) -> SortKey:
    def key(name: str) -> Any:
        router = configuration.state.routers.get(name)
        if order == "priority":
            return 0 if router is None else router.priority
        if order == "entryPoints":
            defaults = runtime().settings.default_entry_points
            return 0 if router is None else len(router.entry_points or defaults)
        if order == "rule":
            return "" if router is None else router.rule.text
        if order == "service":
            return "" if router is None else router.service
        return _common_key(configuration, "router", name, order)

    return key


def _service_sort_key(configuration: CurrentConfiguration, order: str) -> SortKey:
    def key(name: str) -> Any:
        service = configuration.state.services.get(name)
        if order == "servers":
            return 0 if service is None else len(service.servers)
        if order == "type":
            return "" if service is None else type_of(service)
        return _common_key(configuration, "service", name, order)

    return key


def _middleware_sort_key(configuration: CurrentConfiguration, order: str) -> SortKey:
    def key(name: str) -> Any:
        middleware = configuration.state.middlewares.get(name)
        if order == "type":
            return "" if middleware is None else middleware.kind.lower()
        return _common_key(configuration, "middleware", name, order)

    return key


def _common_key(configuration: CurrentConfiguration, kind: str, name: str, order: str) -> str:
    return provider_of(name) if order == "provider" else configuration.object_status(kind, name).status


_SORT_FIELDS = {"router": ROUTER_ORDERS, "service": SERVICE_ORDERS, "middleware": MIDDLEWARE_ORDERS}
_SORT_KEYS = {"router": _router_sort_key, "service": _service_sort_key, "middleware": _middleware_sort_key}
