"""`GET` of `/api/http/routers`, `/api/http/services` and `/api/http/middlewares`, as in Traefik 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import redis
from flask import Blueprint, Response, request

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal, json_response, list_response
from proxy.admin.object_lists import list_names
from proxy.admin.paging import NEXT, PageError, page_of
from proxy.admin.preconditions import tag
from rondpoint.store.admin.document import ADMIN, field_name, read_stored

http_objects = Blueprint("http_objects", __name__, url_prefix="/api/http")


@http_objects.get("/routers")
def routers() -> Response:
    """Return a page of the routers, including those that were left out."""
    configuration = CurrentConfiguration(runtime())
    return _page("router", configuration.router, configuration)


@http_objects.get("/routers/<path:name>")
def router(name: str) -> Response:
    """Return one router by its qualified name."""
    return _one("router", name, CurrentConfiguration(runtime()).router(name))


@http_objects.get("/services")
def services() -> Response:
    """Return a page of the services."""
    configuration = CurrentConfiguration(runtime())
    return _page("service", configuration.service, configuration)


@http_objects.get("/services/<path:name>")
def service(name: str) -> Response:
    """Return one service by its qualified name."""
    return _one("service", name, CurrentConfiguration(runtime()).service(name))


@http_objects.get("/middlewares")
def middlewares() -> Response:
    """Return a page of the middlewares."""
    configuration = CurrentConfiguration(runtime())
    return _page("middleware", configuration.middleware, configuration)


@http_objects.get("/middlewares/<path:name>")
def middleware(name: str) -> Response:
    """Return one middleware by its qualified name."""
    return _one("middleware", name, CurrentConfiguration(runtime()).middleware(name))


def _page(kind: str, view: Callable[[str], object], configuration: CurrentConfiguration) -> Response:
    try:
        page = page_of(list_names(configuration, kind, request.args), request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    items: Iterable[object] = (view(name) for name in configuration.in_portions(page.items))
    return list_response(items, {NEXT: str(page.next)})


def _one(kind: str, name: str, found: object) -> Response:
    if found is None:
        raise Refusal(404, f"{kind} not found: {name}")
    return json_response(found, headers=_version(kind, name))


def _version(kind: str, name: str) -> dict[str, str]:
    """Return the `ETag` header of an object that the API has defined; empty for other objects."""
    bare, _, provider = name.rpartition("@")
    if provider != ADMIN:
        return {}
    worker = runtime()
    try:
        stored = read_stored(worker.client, worker.keys, field_name(ADMIN, f"http/{kind}s", bare))
    except redis.RedisError:
        # The object itself is served without an ETag.
        return {}
    return {} if stored is None else {"ETag": tag(stored.version)}
