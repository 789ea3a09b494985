"""The table of read operations."""

from __future__ import annotations

from typing import Any, get_args

from proxy.admin.certificates.status import STATUSES as CERTIFICATE_STATUSES
from proxy.admin.certificates.view import CertificateView
from proxy.admin.endpoints.health import Health
from proxy.admin.endpoints.instances import Instances
from proxy.admin.endpoints.overview import Overview
from proxy.admin.endpoints.version import Version
from proxy.admin.list_query import CERTIFICATE_ORDERS, MIDDLEWARE_ORDERS, ROUTER_ORDERS, SERVICE_ORDERS
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
from proxy.admin.views.object_status import DISABLED, Status
from proxy.admin.views.routers import RouterView
from proxy.admin.views.services import ServiceView
from proxy.admin.views.tcp import TcpRouterView, TcpServiceView
from proxy.admin.views.udp import UdpRouterView, UdpServiceView
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining.explanation import Explanation
from rondpoint.explaining.tcp.explanation import TcpExplanation

STATUSES = get_args(Status)

MIDDLEWARE: dict[str, Any] = {
    "type": "object",
    "description": "The options stand in a field named after the kind.",
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
    query("page", "Number of the page, from 1.", _NUMBER),
    query("per_page", "Objects per page; default: 100.", _NUMBER),
)
_STATUS = query("status", "Only objects with this status.", {"type": "string", "enum": list(STATUSES)})
_SEARCH = query(
    "search", "Only objects whose name, or a router's rule, contains this text; case-insensitive."
)
NAME = path("name", "The qualified name, such as `shop@docker`.", {"type": "string", "minLength": 1})

NO_PAGE = ResponseSpec("The page does not exist.", "Error")
NOT_FOUND = ResponseSpec("The object does not exist.", "Error")


def _order(orders: tuple[str, ...]) -> tuple[Parameter, ...]:
    return (
        query("sortBy", "Sort field.", {"type": "string", "enum": list(orders)}),
        query("direction", "Sort direction.", {"type": "string", "enum": ["asc", "desc"]}),
    )


def _paged(
    at: str,
    summary: str,
    tag: str,
    kind: Any,
    *parameters: Parameter,
    description: str = "One page of the list.",
) -> Operation:
    found = ResponseSpec(description, list_of(kind), headers=(NEXT,))
    return Operation(at, summary, tag, {200: found, 400: NO_PAGE}, parameters=(*PAGING, *parameters))


def _one(
    at: str, summary: str, tag: str, kind: Any, *parameters: Parameter, description: str = "The object."
) -> Operation:
    found = ResponseSpec(description, kind)
    return Operation(at, summary, tag, {200: found, 404: NOT_FOUND}, parameters=parameters or (NAME,))


_SERVICE_NAME = query("serviceName", "Only routers that use this service.")
_ROUTER_FILTERS = (
    _SEARCH,
    _STATUS,
    _SERVICE_NAME,
    query("middlewareName", "Only routers that use this middleware."),
)

_FILTERS = {
    "Routers": (*_ROUTER_FILTERS, *_order(ROUTER_ORDERS)),
    "UDP routers": (_SEARCH, _STATUS, _SERVICE_NAME, *_order(ROUTER_ORDERS)),
    "Services": (_SEARCH, _STATUS, *_order(SERVICE_ORDERS)),
    "Middlewares": (_SEARCH, _STATUS, *_order(MIDDLEWARE_ORDERS)),
}


def _object_operations(protocol: str, plural: str, view: Any) -> tuple[Operation, Operation]:
    """Return the operations on the list of these objects, and on one of them."""
    name = plural if protocol == "http" else f"{protocol.upper()} {plural.lower()}"
    at = f"/api/{protocol}/{plural.lower()}"
    secrets = "; secrets are shown as `…`" if plural == "Middlewares" else ""
    return (
        _paged(
            at,
            name,
            "Traefik 3",
            view,
            *(_FILTERS.get(name) or _FILTERS[plural]),
            description=f"One page of the list{secrets}.",
        ),
        _one(f"{at}/{{name}}", f"One {_singular(name)}", "Traefik 3", view),
    )


def _singular(name: str) -> str:
    """Return `router` for `Routers`, and `TCP router` for `TCP routers`."""
    word = name.removesuffix("s")
    return word if word[:2].isupper() else word.lower()


_TRAEFIK_3 = (
    Operation(
        "/api/version",
        "Version of Rondpoint",
        "Traefik 3",
        {200: ResponseSpec("`Version`, `Codename`, `startDate`.", Version)},
    ),
    Operation(
        "/api/overview",
        "Numbers of objects",
        "Traefik 3",
        {
            200: ResponseSpec(
                "Totals of routers, services and middlewares, with the numbers in status `warning` "
                "(`warnings`) and `disabled` (`errors`); of `certificates`, with those in status `warning`, "
                "and `expired` or `failed`; `features`; `providers`.",
                Overview,
            )
        },
    ),
    Operation(
        "/api/rawdata",
        "All objects at once",
        "Traefik 3",
        {
            200: ResponseSpec(
                "Objects by qualified name: `routers`, `tcpRouters`, `udpRouters` and others; `revision`, "
                "`worker`, `store`, `ejections`, `agents`, "
                "`diagnostics`. "
                "`worker` has its counts: `metrics` by router, `servers` by service and URL.",
                "RawData",
            )
        },
    ),
    _paged("/api/entrypoints", "Entry points", "Traefik 3", EntryPointView),
    _one("/api/entrypoints/{name}", "One entry point", "Traefik 3", EntryPointView),
    *_object_operations("http", "Routers", RouterView),
    *_object_operations("http", "Services", ServiceView),
    *_object_operations("http", "Middlewares", "Middleware"),
    *_object_operations("tcp", "Routers", TcpRouterView),
    *_object_operations("tcp", "Services", TcpServiceView),
    *_object_operations("tcp", "Middlewares", "Middleware"),
    *_object_operations("udp", "Routers", UdpRouterView),
    *_object_operations("udp", "Services", UdpServiceView),
    _paged(
        "/api/certificates",
        "Certificates, and names that a resolver has no certificate for yet",
        "Traefik 3",
        CertificateView,
        query("search", "Only certificates whose names or issuer contain this text; case-insensitive."),
        query(
            "status",
            "Only certificates with this status; `disabled`: those that are `expired` or `failed`.",
            {"type": "string", "enum": [*CERTIFICATE_STATUSES, DISABLED]},
        ),
        *_order(CERTIFICATE_ORDERS),
        description="One page of the list, without private keys.",
    ),
    _one(
        "/api/certificates/{name}",
        "One certificate",
        "Traefik 3",
        CertificateView,
        path(
            "name",
            "The SHA-256 fingerprint, or the certificate's `id`.",
            {"type": "string", "minLength": 1},
        ),
    ),
)

_PROVIDER = path("provider", "A provider, such as `docker`.", {"type": "string", "minLength": 1})
_FRONTEND = path("frontend", "Name without the provider.", {"type": "string", "minLength": 1})
_BACKEND = path("backend", "Name without the provider.", {"type": "string", "minLength": 1})
_ROUTE = path("route", "Name in the frontend's `routes`.", {"type": "string", "minLength": 1})
_SERVER = path("server", "Name in the backend's `servers`.", {"type": "string", "minLength": 1})
_AT = "/api/providers/{provider}"

_TRAEFIK_1 = (
    *(
        Operation(
            at,
            "All providers",
            "Traefik 1",
            {200: ResponseSpec("`frontends` and `backends` of each provider, by name.", map_of("Provider"))},
        )
        for at in ("/api", "/api/providers")
    ),
    _one(_AT, "One provider", "Traefik 1", "Provider", _PROVIDER),
    _one(f"{_AT}/frontends", "Frontends of a provider", "Traefik 1", map_of(traefik1.Frontend), _PROVIDER),
    _one(
        f"{_AT}/frontends/{{frontend}}",
        "One frontend",
        "Traefik 1",
        traefik1.Frontend,
        _PROVIDER,
        _FRONTEND,
        description="`backend`, `routes`, `entryPoints`, `passHostHeader`, `priority`, our `middlewares`.",
    ),
    _one(
        f"{_AT}/frontends/{{frontend}}/routes",
        "Rules of a frontend",
        "Traefik 1",
        map_of(traefik1.Route),
        _PROVIDER,
        _FRONTEND,
    ),
    _one(
        f"{_AT}/frontends/{{frontend}}/routes/{{route}}",
        "One rule of a frontend",
        "Traefik 1",
        traefik1.Route,
        _PROVIDER,
        _FRONTEND,
        _ROUTE,
    ),
    _one(f"{_AT}/backends", "Backends of a provider", "Traefik 1", map_of(traefik1.Backend), _PROVIDER),
    _one(
        f"{_AT}/backends/{{backend}}",
        "One backend",
        "Traefik 1",
        traefik1.Backend,
        _PROVIDER,
        _BACKEND,
        description="`servers` with `url` and `weight`; `loadBalancer`, `healthCheck`.",
    ),
    _one(
        f"{_AT}/backends/{{backend}}/servers",
        "Servers of a backend",
        "Traefik 1",
        map_of(traefik1.BackendServer),
        _PROVIDER,
        _BACKEND,
    ),
    _one(
        f"{_AT}/backends/{{backend}}/servers/{{server}}",
        "One server of a backend",
        "Traefik 1",
        traefik1.BackendServer,
        _PROVIDER,
        _BACKEND,
        _SERVER,
    ),
)

_HEALTH = Operation(
    "/health",
    "Response statistics of this proxy",
    "Traefik 1",
    {
        200: ResponseSpec(
            "`pid`, `uptime`, `total_status_code_count`, `average_response_time` and others.", Health
        ),
        503: ResponseSpec("The store does not respond.", "Error"),
    },
)

_RONDPOINT = (
    Operation(
        "/api/explain",
        "Explanation how a request, or for `tcp://HOST` a TCP connection, is served, and why",
        "Rondpoint",
        {
            200: ResponseSpec("The explanation.", {"anyOf": [Explanation, TcpExplanation]}),
            400: ResponseSpec("The query is invalid.", "Error"),
        },
        parameters=(
            Parameter(
                "url",
                "query",
                "URL of the request, or `tcp://HOST:PORT`, where `HOST` is the server name (SNI).",
                {"type": "string", "minLength": 1},
                required=True,
            ),
            query("method", "Method; default: `GET`."),
            query(
                "alpn",
                "Protocol that the client of a TCP connection offers by ALPN; repeatable.",
                {"type": "array", "items": {"type": "string"}},
            ),
            query("client", "IP address of the client."),
            query("entryPoint", "Entry point; default: the one on the port of `url`."),
            query(
                "header",
                "Header of the request, `NAME: VALUE`; repeatable.",
                {"type": "array", "items": {"type": "string"}},
            ),
        ),
    ),
    _paged(
        "/api/diagnostics",
        "Errors in the configuration, and why containers are not routed",
        "Rondpoint",
        Diagnostic,
        query(
            "severity",
            "Only diagnostics of this severity.",
            {"type": "string", "enum": [each.value for each in Severity]},
        ),
        query("source", "Only diagnostics of this source."),
        query("search", "Only diagnostics that contain this text; case-insensitive."),
        query(
            "unrouted",
            "Only diagnostics that explain why a container, or a service of a catalogue, is not routed.",
            {"type": "string", "enum": ["true", "false"]},
        ),
    ),
    Operation(
        "/api/instances",
        "Proxies, workers, agents and the store",
        "Rondpoint",
        {
            200: ResponseSpec(
                "The workers of each proxy, with the `revision` that each serves and whether it is the "
                "store's (`current`); `agents`; `store`.",
                Instances,
            )
        },
    ),
    Operation(
        "/metrics",
        "Metrics for Prometheus",
        "Rondpoint",
        {
            200: ResponseSpec("Metrics of this instance.", content_type="text/plain"),
            404: ResponseSpec("`metrics.prometheus` is off.", "Error"),
            503: ResponseSpec("The store does not respond.", content_type="text/plain"),
        },
        parameters=(
            query(
                "scope",
                "`installation`: metrics of every instance.",
                {"type": "string", "enum": ["installation"]},
            ),
        ),
    ),
    Operation(
        "/ping",
        "Liveness of this worker",
        "Rondpoint",
        {200: ResponseSpec("`OK`", content_type="text/plain")},
    ),
    Operation("/api/openapi.json", "This document", "Rondpoint", {200: ResponseSpec("OpenAPI 3.1.", OBJECT)}),
)

READ_OPERATIONS = (*_TRAEFIK_3, *_TRAEFIK_1, _HEALTH, *_RONDPOINT)
