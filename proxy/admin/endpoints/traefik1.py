"""`GET` of `/api` and `/api/providers`, as in Traefik 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from flask import Blueprint, Response

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal, json_response, object_response
from proxy.admin.views import traefik1 as views
from proxy.admin.views.object_status import provider_of
from rondpoint.model import Router, Service

traefik1 = Blueprint("traefik1", __name__, url_prefix="/api")

Members = Iterator[tuple[str, object]]

_ALIASES = {"web": "rest"}
"""Traefik 1's name of the provider that the API feeds."""


@traefik1.get("")
@traefik1.get("/providers")
def providers() -> Response:
    """Return all providers with their frontends and backends."""
    configuration = CurrentConfiguration(runtime())
    return object_response(
        (name, _provider(configuration, routers, services))
        for name, (routers, services) in sorted(_by_provider(configuration).items())
    )


@traefik1.get("/providers/<provider>")
def provider(provider: str) -> Response:
    """Return the frontends and backends of one provider."""
    configuration = CurrentConfiguration(runtime())
    return object_response(_provider(configuration, *_objects_of_provider(configuration, provider)))


@traefik1.get("/providers/<provider>/frontends")
def frontends(provider: str) -> Response:
    """Return the frontends of one provider by name."""
    configuration = CurrentConfiguration(runtime())
    return object_response(_frontends(configuration, _objects_of_provider(configuration, provider)[0]))


@traefik1.get("/providers/<provider>/frontends/<frontend>")
def frontend(provider: str, frontend: str) -> Response:
    """Return one frontend."""
    return json_response(_frontend(provider, frontend))


@traefik1.get("/providers/<provider>/frontends/<frontend>/routes")
def routes(provider: str, frontend: str) -> Response:
    """Return the rules of one frontend by name."""
    return json_response(_frontend(provider, frontend).routes)


@traefik1.get("/providers/<provider>/frontends/<frontend>/routes/<route>")
def route(provider: str, frontend: str, route: str) -> Response:
    """Return one rule of a frontend."""
    return json_response(_member(_frontend(provider, frontend).routes, route))


@traefik1.get("/providers/<provider>/backends")
def backends(provider: str) -> Response:
    """Return the backends of one provider by name."""
    configuration = CurrentConfiguration(runtime())
    return object_response(_backends(configuration, _objects_of_provider(configuration, provider)[1]))


@traefik1.get("/providers/<provider>/backends/<backend>")
def backend(provider: str, backend: str) -> Response:
    """Return one backend."""
    return json_response(_backend(provider, backend))


@traefik1.get("/providers/<provider>/backends/<backend>/servers")
def servers(provider: str, backend: str) -> Response:
    """Return the servers of one backend by name."""
    return json_response(_backend(provider, backend).servers)


@traefik1.get("/providers/<provider>/backends/<backend>/servers/<server>")
def server(provider: str, backend: str, server: str) -> Response:
    """Return one server of a backend."""
    return json_response(_member(_backend(provider, backend).servers, server))


Objects = tuple[list[Router], list[Service]]


def _by_provider(configuration: CurrentConfiguration) -> dict[str, Objects]:
    found: dict[str, Objects] = {}
    for router in configuration.in_portions(configuration.state.routers.values()):
        found.setdefault(provider_of(router.name), ([], []))[0].append(router)
    for service in configuration.in_portions(configuration.state.services.values()):
        found.setdefault(provider_of(service.name), ([], []))[1].append(service)
    return found


def _objects_of_provider(configuration: CurrentConfiguration, provider: str) -> Objects:
    found = _by_provider(configuration).get(_provider_name(provider))
    if found is None:
        raise Refusal(404, f"provider not found: {provider}")
    return found


def _provider_name(provider: str) -> str:
    return _ALIASES.get(provider, provider)


def _provider(configuration: CurrentConfiguration, routers: list[Router], services: list[Service]) -> Members:
    if services:
        yield "backends", _backends(configuration, services)
    if routers:
        yield "frontends", _frontends(configuration, routers)


def _frontends(configuration: CurrentConfiguration, routers: list[Router]) -> Members:
    points = runtime().settings.default_entry_points
    return _members(configuration, routers, lambda router: views.frontend(router, points))


def _backends(configuration: CurrentConfiguration, services: list[Service]) -> Members:
    return _members(configuration, services, views.backend)


def _members(configuration: CurrentConfiguration, items: list[Any], view: Callable[[Any], object]) -> Members:
    for item in configuration.in_portions(sorted(items, key=attrgetter("name"))):
        yield views.bare(item.name, provider_of(item.name)), view(item)


def _frontend(provider: str, name: str) -> views.Frontend:
    found = CurrentConfiguration(runtime()).state.routers.get(f"{name}@{_provider_name(provider)}")
    if found is None:
        raise Refusal(404, f"frontend not found: {name}")
    return views.frontend(found, runtime().settings.default_entry_points)


def _backend(provider: str, name: str) -> views.Backend:
    found = CurrentConfiguration(runtime()).state.services.get(f"{name}@{_provider_name(provider)}")
    if found is None:
        raise Refusal(404, f"backend not found: {name}")
    return views.backend(found)


def _member(members: Mapping[str, object], name: str) -> object:
    if name not in members:
        raise Refusal(404, f"not found: {name}")
    return members[name]
