"""The table of operations that change objects or read the history of changes."""

from __future__ import annotations

from typing import Any

from proxy.admin.openapi.operation import (
    BOOLEAN,
    OBJECT,
    TEXT,
    Operation,
    ResponseSpec,
    header,
    list_of,
    path,
    query,
)
from proxy.admin.openapi.read_operations import PAGING
from proxy.admin.paging import NEXT

_WAIT = query(
    "wait",
    "Seconds to wait until this worker serves the change.",
    {"type": "number", "minimum": 0, "maximum": 60},
)
_DRY = query("dryRun", "Validate the change, but do not make it.", BOOLEAN)
_IF_MATCH = header(
    "If-Match", "Make the change only if the object has this version (an `ETag`), or, with `*`, if it exists."
)
_IF_NONE_MATCH = header("If-None-Match", "With `*`: make the change only if the object does not exist.")
_NAME = path(
    "name",
    "Name, with or without `@admin`.",
    {"type": "string", "minLength": 1, "maxLength": 255},
)
_VERSION = path("version", "Version of the history.", {"type": "integer", "minimum": 0, "maximum": 2**53 - 1})

CHANGE_RESULT: dict[str, Any] = {
    "type": "object",
    "required": ["version", "changed", "warnings"],
    "properties": {
        "name": TEXT,
        "provider": TEXT,
        "restored": {"type": "integer"},
        "version": {"type": "integer"},
        "changed": BOOLEAN,
        "inForce": BOOLEAN,
        "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}},
    },
}

HISTORY_ENTRY: dict[str, Any] = {
    "type": "object",
    "required": ["version", "at", "what", "by", "objects", "kept"],
    "properties": {
        "version": {"type": "integer"},
        "at": {"type": "number", "description": "Unix seconds."},
        "what": TEXT,
        "by": {
            "type": "object",
            "required": ["user", "address"],
            "properties": {"user": TEXT, "address": TEXT},
        },
        "objects": {"type": "array", "items": TEXT},
        "kept": {**BOOLEAN, "description": "Whether the values before the change are still stored."},
    },
}

DIFFERENCE: dict[str, Any] = {
    "type": "object",
    "required": ["object", "path", "before", "after"],
    "properties": {"object": TEXT, "path": TEXT, "before": {}, "after": {}},
}

_REFUSED = {
    400: ResponseSpec("The request is invalid.", "Error"),
    404: ResponseSpec("The object does not exist, or its name is not possible in a path.", "Error"),
    409: ResponseSpec(
        "The object belongs to another provider, or the values of the version are no longer stored.", "Error"
    ),
    412: ResponseSpec("A precondition (`If-Match`, `If-None-Match`) failed.", "Error"),
    413: ResponseSpec("The body is too large.", "Error"),
    415: ResponseSpec("The body is not declared as JSON.", "Error"),
    422: ResponseSpec("The body has errors; nothing was changed.", "Error"),
    503: ResponseSpec("No agent or no store is available.", "Error"),
    504: ResponseSpec("The agent did not respond.", "Error"),
}
_MISSING = ResponseSpec("The version does not exist.", "Error")
_CHANGED = ResponseSpec("The change was made, or was not necessary.", "ChangeResult", headers=("ETag",))

_MERGE_PATCH = ("application/merge-patch+json", "application/json")


def _object_operations(protocol: str, kind: str) -> tuple[Operation, ...]:
    at, one = f"/api/{protocol}/{kind}/{{name}}", kind.removesuffix("s")
    one = one if protocol == "http" else f"{protocol.upper()} {one}"
    common = (_NAME, _WAIT, _DRY, _IF_MATCH)
    return (
        Operation(
            at,
            f"Define a {one}",
            "Changes",
            {
                200: _CHANGED,
                201: ResponseSpec("The object was created.", "ChangeResult", headers=("ETag",)),
                **_REFUSED,
            },
            "put",
            (*common, _IF_NONE_MATCH),
            OBJECT,
        ),
        Operation(
            at,
            f"Change some fields of a {one}",
            "Changes",
            {200: _CHANGED, **_REFUSED},
            "patch",
            common,
            OBJECT,
            _MERGE_PATCH,
        ),
        Operation(
            at,
            f"Delete a {one}",
            "Changes",
            {200: ResponseSpec("The object was deleted.", "ChangeResult"), **_REFUSED},
            "delete",
            common,
        ),
    )


WRITE_OPERATIONS = (
    *_object_operations("http", "routers"),
    *_object_operations("http", "services"),
    *_object_operations("http", "middlewares"),
    *_object_operations("tcp", "routers"),
    *_object_operations("tcp", "services"),
    *_object_operations("tcp", "middlewares"),
    *_object_operations("udp", "routers"),
    *_object_operations("udp", "services"),
    Operation(
        "/api/providers/{provider}",
        "Replace all objects of the provider `rest`",
        "Changes",
        {200: _CHANGED, **_REFUSED, 404: ResponseSpec("The provider `rest` is off.", "Error")},
        "put",
        (path("provider", "`rest`, or Traefik 1's `web`."), _WAIT, _DRY, _IF_MATCH),
        OBJECT,
    ),
    Operation(
        "/api/history",
        "The last 100 changes through the API, newest first",
        "Changes",
        {
            200: ResponseSpec("One page of the list.", list_of("HistoryEntry"), headers=(NEXT, "ETag")),
            400: _REFUSED[400],
            503: _REFUSED[503],
        },
        parameters=PAGING,
    ),
    Operation(
        "/api/history/{version}",
        "One change",
        "Changes",
        {
            200: ResponseSpec("The change with its `differences`.", "HistoryEntryDetails"),
            404: _MISSING,
            503: _REFUSED[503],
        },
        parameters=(_VERSION,),
    ),
    Operation(
        "/api/history/{version}/diff",
        "Differences between two versions",
        "Changes",
        {
            200: ResponseSpec("The differences.", "Differences"),
            400: _REFUSED[400],
            404: _MISSING,
            409: _REFUSED[409],
            503: _REFUSED[503],
        },
        parameters=(
            _VERSION,
            query("to", "The other version; default: the current one.", {"type": "integer", "minimum": 0}),
        ),
    ),
    Operation(
        "/api/history/{version}/rollback",
        "Restore the state of a version",
        "Changes",
        {200: _CHANGED, **_REFUSED},
        "post",
        (_VERSION, _WAIT, _IF_MATCH),
        OBJECT,
    ),
)
