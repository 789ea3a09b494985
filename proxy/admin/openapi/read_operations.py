"""The operations that read."""

from __future__ import annotations

from typing import Any, get_args

from proxy.admin.endpoints.health import Health
from proxy.admin.endpoints.instances import Instances
from proxy.admin.endpoints.overview import Overview
from proxy.admin.endpoints.version import Version
from proxy.admin.list_query import MIDDLEWARE_ORDERS, ROUTER_ORDERS, SERVICE_ORDERS
from proxy.admin.openapi.operation import (
    OBJECT,
    Operation,
    Parameter,
    ResponseSpec,
    list_of,
    map_of,
    path,
    query,
)
from proxy.admin.paging import LARGEST, NEXT
from proxy.admin.views import traefik1
from proxy.admin.views.entry_points import EntryPointView
from proxy.admin.views.object_status import Status
from proxy.admin.views.routers import RouterView
from proxy.admin.views.services import ServiceView
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining.explanation import Explanation

STATUSES = get_args(Status)

MIDDLEWARE: dict[str, Any] = {
    "type": "object",
    "description": "Its options are below the name of its kind.",
    "required": ["name", "provider", "status"],
    "properties": {
        "name": {"type": "string"},
        "provider": {"type": "string"},
        "type": {"type": "string"},
        "status": {"type": "string", "enum": list(STATUSES)},
        "usedBy": {"type": "array", "items": {"type": "string"}},
        "error": {"type": "array", "items": {"type": "string"}},
    },
}

_NUMBER = {"type": "integer", "minimum": 1, "maximum": LARGEST}
PAGING = (
    query("page", "Which page, from 1.", _NUMBER),
    query("per_page", "Objects a page; 100 without.", _NUMBER),
)
_STATUS = query("status", "Only objects with this status.", {"type": "string", "enum": list(STATUSES)})
_SEARCH = query("search", "Only objects whose name, or a router's rule, holds it, whatever the case.")
NAME = path("name", "The qualified name, such as `shop@docker`.", {"type": "string", "minLength": 1})

NO_PAGE = ResponseSpec("There is no such page.", "Refused")
NOT_FOUND = ResponseSpec("There is no such object.", "Refused")


def _order(orders: tuple[str, ...]) -> tuple[Parameter, ...]:
    return (
        query("sortBy", "What the list is in order of.", {"type": "string", "enum": list(orders)}),
        query("direction", "Which end is first.", {"type": "string", "enum": ["asc", "desc"]}),
    )


def _paged(
    at: str, summary: str, tag: str, kind: Any, *parameters: Parameter, description: str = "A page."
) -> Operation:
    found = ResponseSpec(description, list_of(kind), headers=(NEXT,))
    return Operation(at, summary, tag, {200: found, 400: NO_PAGE}, parameters=(*PAGING, *parameters))


def _one(
    at: str, summary: str, tag: str, kind: Any, *parameters: Parameter, description: str = "It."
) -> Operation:
    found = ResponseSpec(description, kind)
    return Operation(at, summary, tag, {200: found, 404: NOT_FOUND}, parameters=parameters or (NAME,))


_ROUTER_FILTERS = (
    _SEARCH,
    _STATUS,
    query("serviceName", "Only routers that lead to this service."),
    query("middlewareName", "Only routers that use this middleware."),
)

_TRAEFIK_3 = (
    Operation(
        "/api/version",
        "What runs here",
        "Traefik 3",
        {200: ResponseSpec("`Version`, `Codename`, `startDate`.", Version)},
    ),
    Operation(
        "/api/overview",
        "How many objects there are",
        "Traefik 3",
        {
            200: ResponseSpec(
                "Numbers of routers, services and middlewares, with how many are in the states `warning` and "
                "`disabled` (`errors`); `features`; `providers`.",
                Overview,
            )
        },
    ),
    Operation(
        "/api/rawdata",
        "Everything at once",
        "Traefik 3",
        {
            200: ResponseSpec(
                "Objects by qualified name; `revision`, `worker`, `store`, `agents`, `diagnostics`. `worker` "
                "tells what this one has counted: `metrics` by router, `servers` by service and URL.",
                "RawData",
            )
        },
    ),
    _paged("/api/entrypoints", "Entry points", "Traefik 3", EntryPointView),
    _one("/api/entrypoints/{name}", "One entry point", "Traefik 3", EntryPointView),
    _paged("/api/http/routers", "Routers", "Traefik 3", RouterView, *_ROUTER_FILTERS, *_order(ROUTER_ORDERS)),
    _one("/api/http/routers/{name}", "One router", "Traefik 3", RouterView),
    _paged(
        "/api/http/services",
        "Services",
        "Traefik 3",
        ServiceView,
        _SEARCH,
        _STATUS,
        *_order(SERVICE_ORDERS),
    ),
    _one("/api/http/services/{name}", "One service", "Traefik 3", ServiceView),
    _paged(
        "/api/http/middlewares",
        "Middlewares",
        "Traefik 3",
        "Middleware",
        _SEARCH,
        _STATUS,
        *_order(MIDDLEWARE_ORDERS),
        description="A page; users, keys, and headers that carry secrets are `…`.",
    ),
    _one("/api/http/middlewares/{name}", "One middleware", "Traefik 3", "Middleware"),
    *(
        _paged(
            f"/api/{protocol}/{kind}",
            f"{protocol.upper()} {kind}: none",
            "Traefik 3",
            OBJECT,
            description="No items.",
        )
        for protocol, kinds in (
            ("tcp", ("routers", "services", "middlewares")),
            ("udp", ("routers", "services")),
        )
        for kind in kinds
    ),
)

_PROVIDER = path("provider", "Such as `docker`.", {"type": "string", "minLength": 1})
_FRONTEND = path("frontend", "Without its provider.", {"type": "string", "minLength": 1})
_BACKEND = path("backend", "Without its provider.", {"type": "string", "minLength": 1})
_ROUTE = path("route", "As the frontend lists it.", {"type": "string", "minLength": 1})
_SERVER = path("server", "As the backend lists it.", {"type": "string", "minLength": 1})
_AT = "/api/providers/{provider}"

_TRAEFIK_1 = (
    *(
        Operation(
            at,
            "All providers",
            "Traefik 1",
            {200: ResponseSpec("Their `frontends` and `backends`, by name.", map_of("Provider"))},
        )
        for at in ("/api", "/api/providers")
    ),
    _one(_AT, "One provider", "Traefik 1", "Provider", _PROVIDER),
    _one(f"{_AT}/frontends", "Its frontends", "Traefik 1", map_of(traefik1.Frontend), _PROVIDER),
    _one(
        f"{_AT}/frontends/{{frontend}}",
        "One of them",
        "Traefik 1",
        traefik1.Frontend,
        _PROVIDER,
        _FRONTEND,
        description="`backend`, `routes`, `entryPoints`, `passHostHeader`, `priority`, our `middlewares`.",
    ),
    _one(
        f"{_AT}/frontends/{{frontend}}/routes",
        "Its rules",
        "Traefik 1",
        map_of(traefik1.Route),
        _PROVIDER,
        _FRONTEND,
    ),
    _one(
        f"{_AT}/frontends/{{frontend}}/routes/{{route}}",
        "One of them",
        "Traefik 1",
        traefik1.Route,
        _PROVIDER,
        _FRONTEND,
        _ROUTE,
    ),
    _one(f"{_AT}/backends", "Its backends", "Traefik 1", map_of(traefik1.Backend), _PROVIDER),
    _one(
        f"{_AT}/backends/{{backend}}",
        "One of them",
        "Traefik 1",
        traefik1.Backend,
        _PROVIDER,
        _BACKEND,
        description="`servers` with `url` and `weight`; `loadBalancer`, `healthCheck`.",
    ),
    _one(
        f"{_AT}/backends/{{backend}}/servers",
        "Its servers",
        "Traefik 1",
        map_of(traefik1.BackendServer),
        _PROVIDER,
        _BACKEND,
    ),
    _one(
        f"{_AT}/backends/{{backend}}/servers/{{server}}",
        "One of them",
        "Traefik 1",
        traefik1.BackendServer,
        _PROVIDER,
        _BACKEND,
        _SERVER,
    ),
)

_HEALTH = Operation(
    "/health",
    "What this proxy has answered",
    "Traefik 1",
    {
        200: ResponseSpec(
            "`pid`, `uptime`, `total_status_code_count`, `average_response_time` and so on.", Health
        ),
        503: ResponseSpec("The store does not answer.", "Refused"),
    },
)

_RONDPOINT = (
    Operation(
        "/api/explain",
        "Why a request is served as it is",
        "Rondpoint",
        {
            200: ResponseSpec("Its way.", Explanation),
            400: ResponseSpec("The question cannot be read.", "Refused"),
        },
        parameters=(
            Parameter(
                "url", "query", "What is asked for.", {"type": "string", "minLength": 1}, required=True
            ),
            query("method", "`GET` without."),
            query("client", "The client's address."),
            query("entryPoint", "By default the one on the port of `url`."),
            query(
                "header",
                "`NAME: VALUE`, any number of times.",
                {"type": "array", "items": {"type": "string"}},
            ),
        ),
    ),
    _paged(
        "/api/diagnostics",
        "What users got wrong, and why containers are not routed",
        "Rondpoint",
        Diagnostic,
        query("severity", "Only these.", {"type": "string", "enum": [each.value for each in Severity]}),
        query("source", "Only those of this provider."),
        query("search", "Only those whose words hold it, whatever the case."),
        query(
            "unrouted",
            "Only those that tell why a container, or a service of a catalogue, is not routed.",
            {"type": "string", "enum": ["true", "false"]},
        ),
    ),
    Operation(
        "/api/instances",
        "Proxies, workers, agents and the store",
        "Rondpoint",
        {
            200: ResponseSpec(
                "The workers of each proxy, the `revision` that each serves and whether it is the store's "
                "(`current`); `agents`; `store`.",
                Instances,
            )
        },
    ),
    Operation(
        "/metrics",
        "What Prometheus fetches",
        "Rondpoint",
        {
            200: ResponseSpec("Metrics of this instance.", content_type="text/plain"),
            404: ResponseSpec("metrics.prometheus is off.", "Refused"),
            503: ResponseSpec("The store does not answer.", content_type="text/plain"),
        },
        parameters=(
            query("scope", "Each instance by itself.", {"type": "string", "enum": ["installation"]}),
        ),
    ),
    Operation(
        "/ping",
        "Whether this worker answers",
        "Rondpoint",
        {200: ResponseSpec("`OK`", content_type="text/plain")},
    ),
    Operation("/api/openapi.json", "This document", "Rondpoint", {200: ResponseSpec("OpenAPI 3.1.", OBJECT)}),
)

READ_OPERATIONS = (*_TRAEFIK_3, *_TRAEFIK_1, _HEALTH, *_RONDPOINT)
