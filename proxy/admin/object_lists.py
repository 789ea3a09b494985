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
from proxy.admin.views import layer4_services, services
from proxy.admin.views.object_status import provider_of
from rondpoint.model import Middleware, Router, Service
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.udp.model import UdpRouter, UdpService

AnyRouter = Router | TcpRouter | UdpRouter
AnyService = Service | TcpService | UdpService


def list_names(configuration: CurrentConfiguration, kind: str, query: Mapping[str, str]) -> list[str]:
    """Return the sorted names of the matching objects of a kind; the kinds are those of `object_status`."""
    list_query = parse_list_query(query, _ORDERS[_noun(kind)])
    names = list(_matching_names(configuration, kind, list_query))
    if list_query.order != "name":
        keys = {
            name: _sort_key(configuration, kind, name, list_query.order)
            for name in configuration.in_portions(names)
        }
        names.sort(key=lambda name: (keys[name], name), reverse=list_query.descending)
    elif list_query.descending:
        names.reverse()
    return names


def _noun(kind: str) -> str:
    """Return the kind without its protocol: `router`, `service` or `middleware`."""
    return kind.rpartition(" ")[2]


def _matching_names(configuration: CurrentConfiguration, kind: str, list_query: ListQuery) -> Iterator[str]:
    matches = _router_matches if _noun(kind) == "router" else _name_matches
    objects = configuration.objects_in_force(kind)
    for name in configuration.in_portions(configuration.names(kind)):
        if list_query.status and not list_query.matches_status(
            configuration.object_status(kind, name).status
        ):
            continue
        if matches(name, objects.get(name), list_query):
            yield name


def _name_matches(name: str, _item: object, list_query: ListQuery) -> bool:
    return list_query.matches_search(name)


def _router_matches(name: str, router: AnyRouter | None, list_query: ListQuery) -> bool:
    if router is None:
        return list_query.matches_search(name) and not list_query.service and not list_query.middleware
    return (
        list_query.matches_search(_rule_of(router), name)
        and list_query.leads_to(router.service)
        # As in Traefik, UDP routers ignore this filter.
        and (isinstance(router, UdpRouter) or list_query.uses(router.middlewares))
    )


def _rule_of(router: AnyRouter) -> str:
    return "" if isinstance(router, UdpRouter) else router.rule.text


def _sort_key(configuration: CurrentConfiguration, kind: str, name: str, order: str) -> Any:
    if order == "provider":
        return provider_of(name)
    if order == "status":
        return configuration.object_status(kind, name).status
    item = configuration.objects_in_force(kind).get(name)
    if order in _NUMBERS:
        return 0 if item is None else _NUMBERS[order](item)
    return "" if item is None else _TEXTS[order](item)


def _entry_point_count(router: AnyRouter) -> int:
    if isinstance(router, UdpRouter):
        # As in Traefik, the entry points that it names.
        return len(router.entry_points)
    return len(router.entry_points or runtime().settings.default_entry_points)


def _priority_of(router: AnyRouter) -> int:
    return 0 if isinstance(router, UdpRouter) else router.priority


def _type_of(item: AnyService | Middleware) -> str:
    if isinstance(item, Middleware):
        return item.kind.lower()
    return services.type_of(item) if isinstance(item, Service) else layer4_services.type_of(item)


_NUMBERS: Mapping[str, Callable[[Any], int]] = {
    "priority": _priority_of,
    "entryPoints": _entry_point_count,
    "servers": lambda service: len(service.servers),
}
"""The sort fields with numbers, and the value of an object; 0 for an object that was left out."""

_TEXTS: Mapping[str, Callable[[Any], str]] = {
    "rule": _rule_of,
    "service": lambda router: router.service,
    "type": _type_of,
}
"""The sort fields with texts; an object that was left out has an empty one."""

_ORDERS = {"router": ROUTER_ORDERS, "service": SERVICE_ORDERS, "middleware": MIDDLEWARE_ORDERS}
