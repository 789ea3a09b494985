"""`/api/http/routers`, `/api/http/services` and `/api/http/middlewares`, read as in Traefik 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import redis
from flask import Blueprint, Response, request

from proxy.admin.answers import Refusal, answer, answer_list
from proxy.admin.conditions import tag
from proxy.admin.paging import NEXT, PageError, page_of
from proxy.admin.present import Present
from proxy.admin.running import runtime
from proxy.admin.selection import (
    MIDDLEWARE_ORDERS,
    ROUTER_ORDERS,
    SERVICE_ORDERS,
    Selection,
    selection,
)
from proxy.admin.views.services import type_of
from proxy.admin.views.standing import provider_of
from rondpoint.store.admin.document import ADMIN, field_of, read_stored

http_objects = Blueprint("http_objects", __name__, url_prefix="/api/http")

Order = Callable[[str], Any]


@http_objects.get("/routers")
def routers() -> Response:
    """A page of the routers, those that were left out among them."""
    present = Present(runtime())
    wanted = selection(request.args, ROUTER_ORDERS)
    names = [name for name in _listed(present, "router", wanted) if _is_wanted_router(present, name, wanted)]
    return _page(names, wanted, _router_order(present, wanted.order), present, present.router)


@http_objects.get("/routers/<path:name>")
def router(name: str) -> Response:
    """One router, by its qualified name."""
    return _one("router", name, Present(runtime()).router(name))


@http_objects.get("/services")
def services() -> Response:
    """A page of the services."""
    present = Present(runtime())
    wanted = selection(request.args, SERVICE_ORDERS)
    names = [name for name in _listed(present, "service", wanted) if wanted.finds(name)]
    return _page(names, wanted, _service_order(present, wanted.order), present, present.service)


@http_objects.get("/services/<path:name>")
def service(name: str) -> Response:
    """One service, by its qualified name."""
    return _one("service", name, Present(runtime()).service(name))


@http_objects.get("/middlewares")
def middlewares() -> Response:
    """A page of the middlewares."""
    present = Present(runtime())
    wanted = selection(request.args, MIDDLEWARE_ORDERS)
    names = [name for name in _listed(present, "middleware", wanted) if wanted.finds(name)]
    return _page(names, wanted, _middleware_order(present, wanted.order), present, present.middleware)


@http_objects.get("/middlewares/<path:name>")
def middleware(name: str) -> Response:
    """One middleware, by its qualified name."""
    return _one("middleware", name, Present(runtime()).middleware(name))


def _listed(present: Present, kind: str, wanted: Selection) -> Iterator[str]:
    for name in present.in_portions(present.names(kind)):
        if not wanted.status or wanted.has_status(present.standing_of(kind, name).status):
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


def _page(
    names: list[str],
    wanted: Selection,
    order: Order,
    present: Present,
    view: Callable[[str], object],
) -> Response:
    if wanted.order != "name":
        keys = {name: order(name) for name in present.in_portions(names)}
        names.sort(key=lambda name: (keys[name], name), reverse=wanted.descending)
    elif wanted.descending:
        names.reverse()
    try:
        page = page_of(names, request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    items: Iterable[object] = (view(name) for name in present.in_portions(page.items))
    return answer_list(items, {NEXT: str(page.next)})


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


def _one(kind: str, name: str, found: object) -> Response:
    if found is None:
        raise Refusal(404, f"{kind} not found: {name}")
    return answer(found, headers=_version(kind, name))


def _version(kind: str, name: str) -> dict[str, str]:
    """The `ETag` of what the API itself has defined."""
    bare, _, provider = name.rpartition("@")
    if provider != ADMIN:
        return {}
    parts = runtime()
    try:
        stored = read_stored(parts.client, parts.keys, field_of(ADMIN, f"http/{kind}s", bare))
    except redis.RedisError:
        # What is in force is told without it.
        return {}
    return {} if stored is None else {"ETag": tag(stored.version)}
