"""Builds the OpenAPI document from the table of operations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from proxy.admin.authorisation import OPEN_PATHS
from proxy.admin.certificates.view import CertificateView
from proxy.admin.endpoints.health import Health
from proxy.admin.endpoints.instances import Instances
from proxy.admin.endpoints.overview import Overview
from proxy.admin.endpoints.version import Version
from proxy.admin.json_responses import Problem
from proxy.admin.openapi.operation import OBJECT, Operation, ResponseSpec
from proxy.admin.openapi.read_operations import MIDDLEWARE, READ_OPERATIONS
from proxy.admin.openapi.write_operations import CHANGE_RESULT, DIFFERENCE, HISTORY_ENTRY, WRITE_OPERATIONS
from proxy.admin.paging import NEXT
from proxy.admin.views import traefik1
from proxy.admin.views.entry_points import EntryPointView
from proxy.admin.views.routers import RouterView
from proxy.admin.views.services import ServiceView
from proxy.admin.views.tcp import TcpRouterView, TcpServiceView
from proxy.admin.views.udp import UdpRouterView, UdpServiceView
from rondpoint import __version__
from rondpoint.diagnostics import Diagnostic
from rondpoint.explaining.explanation import Explanation
from rondpoint.explaining.tcp.explanation import TcpExplanation
from rondpoint.store.metrics import Counts
from rondpoint.store.server_metrics import ServerCounts

_TYPES: tuple[Any, ...] = (
    Problem,
    Version,
    Overview,
    Health,
    Instances,
    CertificateView,
    EntryPointView,
    RouterView,
    ServiceView,
    TcpRouterView,
    TcpServiceView,
    UdpRouterView,
    UdpServiceView,
    traefik1.Frontend,
    traefik1.Backend,
    traefik1.Route,
    traefik1.BackendServer,
    Diagnostic,
    Explanation,
    TcpExplanation,
    Counts,
    ServerCounts,
)

_SCHEMA_REF = "#/components/schemas/{name}"

_HEADERS = {
    NEXT: {"description": "The number of the next page; 1 on the last page.", "schema": {"type": "integer"}},
    "ETag": {"description": "The version, for `If-Match`.", "schema": {"type": "string"}},
}

COMMON_RESPONSES = {
    401: ResponseSpec("A token or password is missing or wrong.", "Error"),
    403: ResponseSpec(
        "The request is not allowed from its origin, or not without a token or password.", "Error"
    ),
    429: ResponseSpec("Too many wrong tokens or passwords from this address.", "Error"),
    414: ResponseSpec("The request line has more than 4094 bytes.", content_type="text/html"),
    503: ResponseSpec("The entry point is closed: an option that protects it is not served yet.", "Error"),
}
"""Responses that any request to the API can receive."""


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _SCHEMA_REF.format(name=name)}


def _map_of(name: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": _ref(name)}


_SCHEMAS: Mapping[str, Any] = {
    "Error": {
        "type": "object",
        "required": ["message"],
        "properties": {
            "message": {"type": "string"},
            "errors": {"type": "array", "items": _ref("Problem")},
        },
    },
    "Middleware": MIDDLEWARE,
    "Provider": {
        "type": "object",
        "properties": {"frontends": _map_of("Frontend"), "backends": _map_of("Backend")},
    },
    "RawData": {
        "type": "object",
        "required": ["routers", "services", "middlewares", "diagnostics"],
        "properties": {
            "routers": _map_of("RouterView"),
            "services": _map_of("ServiceView"),
            "middlewares": _map_of("Middleware"),
            "tcpRouters": _map_of("TcpRouterView"),
            "tcpServices": _map_of("TcpServiceView"),
            "tcpMiddlewares": _map_of("Middleware"),
            "udpRouters": _map_of("UdpRouterView"),
            "udpServices": _map_of("UdpServiceView"),
            "diagnostics": {"type": "array", "items": _ref("Diagnostic")},
            "worker": {
                "type": "object",
                "required": ["pid", "requests", "metrics", "servers"],
                "properties": {
                    "pid": {"type": "integer"},
                    "requests": {"type": "integer"},
                    "metrics": _map_of("Counts"),
                    "servers": {"type": "object", "additionalProperties": _map_of("ServerCounts")},
                },
            },
        },
    },
    "ChangeResult": CHANGE_RESULT,
    "HistoryEntry": HISTORY_ENTRY,
    "HistoryEntryDetails": {
        "allOf": [_ref("HistoryEntry")],
        "required": ["differences"],
        "properties": {"differences": {"type": "array", "items": _ref("Difference")}},
    },
    "Difference": DIFFERENCE,
    "Differences": {
        "type": "object",
        "required": ["from", "to", "differences"],
        "properties": {
            "from": {"type": "integer"},
            "to": {"type": "integer"},
            "differences": {"type": "array", "items": _ref("Difference")},
        },
    },
}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, which is the same for every installation."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=_SCHEMA_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rondpoint",
            "version": __version__,
            "description": "Traefik's read API, and changes of routes at run time.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, **_SCHEMAS},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{}, {"token": []}, {"password": []}],
    }


OPERATIONS = (*READ_OPERATIONS, *WRITE_OPERATIONS)


def _operation(operation: Operation) -> dict[str, Any]:
    responses = (
        operation.responses if operation.path in OPEN_PATHS else {**operation.responses, **COMMON_RESPONSES}
    )
    found: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.location,
                "description": parameter.description,
                "required": parameter.required,
                "schema": parameter.schema,
            }
            for parameter in operation.parameters
        ],
        "responses": {str(status): _response(response) for status, response in sorted(responses.items())},
    }
    if operation.body is not None:
        content = {name: {"schema": operation.body} for name in operation.body_types}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _response(response: ResponseSpec) -> dict[str, Any]:
    schema = {"type": "string"} if response.schema is None else _schema(response.schema)
    return {
        "description": response.description,
        "headers": {name: _HEADERS[name] for name in response.headers},
        "content": {response.content_type: {"schema": schema}},
    }


def _schema(kind: Any) -> dict[str, Any]:
    if kind is OBJECT or kind == OBJECT:
        return dict(OBJECT)
    if isinstance(kind, str):
        return _ref(kind)
    if isinstance(kind, Mapping) and "anyOf" in kind:
        return {"anyOf": [_schema(each) for each in kind["anyOf"]]}
    if isinstance(kind, Mapping):
        return {
            name: _schema(value) if name in ("items", "additionalProperties") else value
            for name, value in kind.items()
        }
    return _ref(kind.__name__)
