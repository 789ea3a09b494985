"""From the table to the document."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from proxy.admin.authorisation import OPEN_PATHS
from proxy.admin.endpoints.health import Health
from proxy.admin.endpoints.instances import Instances
from proxy.admin.endpoints.overview import Overview
from proxy.admin.endpoints.version import Version
from proxy.admin.json_responses import Problem
from proxy.admin.openapi.operation import OBJECT, Answer, Operation
from proxy.admin.openapi.read_operations import MIDDLEWARE, READING
from proxy.admin.openapi.write_operations import CHANGING, DIFFERENCE, DONE, ENTRY
from proxy.admin.paging import NEXT
from proxy.admin.views import traefik1
from proxy.admin.views.entry_points import EntryPointView
from proxy.admin.views.routers import RouterView
from proxy.admin.views.services import ServiceView
from rondpoint import __version__
from rondpoint.diagnostics import Diagnostic
from rondpoint.explaining.explanation import Explanation
from rondpoint.store.metrics import Counts
from rondpoint.store.server_metrics import ServerCounts

_TYPES: tuple[Any, ...] = (
    Problem,
    Version,
    Overview,
    Health,
    Instances,
    EntryPointView,
    RouterView,
    ServiceView,
    traefik1.Frontend,
    traefik1.Backend,
    traefik1.Route,
    traefik1.BackendServer,
    Diagnostic,
    Explanation,
    Counts,
    ServerCounts,
)

_AT = "#/components/schemas/{name}"

_HEADERS = {
    NEXT: {"description": "The page after this one; 1 on the last.", "schema": {"type": "integer"}},
    "ETag": {"description": "A version, for `If-Match`.", "schema": {"type": "string"}},
}

EVERYWHERE = {
    401: Answer("A token or password is needed, or the one shown is wrong.", "Refused"),
    403: Answer("Not from there, or not without a token or password.", "Refused"),
    429: Answer("Too many wrong tokens or passwords came from this address.", "Refused"),
    414: Answer("The request line has more than 4094 bytes.", content_type="text/html"),
    503: Answer("What guards it is an option that is not served yet.", "Refused"),
}
"""What any request to the API may be answered by."""


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _AT.format(name=name)}


def _map_of(name: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": _ref(name)}


_OWN: Mapping[str, Any] = {
    "Refused": {
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
    "Done": DONE,
    "Entry": ENTRY,
    "EntryInFull": {
        "allOf": [_ref("Entry")],
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
    """OpenAPI 3.1, the same for every installation."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=_AT)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rondpoint",
            "version": __version__,
            "description": "Traefik's API for reading, and routes that are defined at run time.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, **_OWN},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{}, {"token": []}, {"password": []}],
    }


OPERATIONS = (*READING, *CHANGING)


def _operation(operation: Operation) -> dict[str, Any]:
    answers = operation.answers if operation.path in OPEN_PATHS else {**operation.answers, **EVERYWHERE}
    found: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.place,
                "description": parameter.description,
                "required": parameter.needed,
                "schema": parameter.schema,
            }
            for parameter in operation.parameters
        ],
        "responses": {str(status): _answer(answer) for status, answer in sorted(answers.items())},
    }
    if operation.body is not None:
        content = {name: {"schema": operation.body} for name in operation.body_types}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _answer(answer: Answer) -> dict[str, Any]:
    schema = {"type": "string"} if answer.schema is None else _schema(answer.schema)
    return {
        "description": answer.description,
        "headers": {name: _HEADERS[name] for name in answer.headers},
        "content": {answer.content_type: {"schema": schema}},
    }


def _schema(kind: Any) -> dict[str, Any]:
    if kind is OBJECT or kind == OBJECT:
        return dict(OBJECT)
    if isinstance(kind, str):
        return _ref(kind)
    if isinstance(kind, Mapping):
        return {
            name: _schema(value) if name in ("items", "additionalProperties") else value
            for name, value in kind.items()
        }
    return _ref(kind.__name__)
