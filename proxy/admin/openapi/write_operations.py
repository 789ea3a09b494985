"""The operations that change something, and what was changed."""

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
    "Seconds to wait until this worker serves it.",
    {"type": "number", "minimum": 0, "maximum": 60},
)
_DRY = query("dryRun", "Judge it, and do nothing.", BOOLEAN)
_IF_MATCH = header("If-Match", "Only if it is at this version (an `ETag`), or, with `*`, there.")
_IF_NONE_MATCH = header("If-None-Match", "With `*`: only if it is not there.")
_NAME = path(
    "name",
    "A name, or one qualified by `@admin`.",
    {"type": "string", "minLength": 1, "maxLength": 255},
)
_VERSION = path("version", "A version of all.", {"type": "integer", "minimum": 0, "maximum": 2**53 - 1})

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
        "kept": {**BOOLEAN, "description": "Whether what was before it is known."},
    },
}

DIFFERENCE: dict[str, Any] = {
    "type": "object",
    "required": ["object", "path", "before", "after"],
    "properties": {"object": TEXT, "path": TEXT, "before": {}, "after": {}},
}

_REFUSED = {
    400: ResponseSpec("The request cannot be read.", "Refused"),
    404: ResponseSpec("There is no such object, or no path for a name such as this.", "Refused"),
    409: ResponseSpec("It is another provider's, or what was before is not kept.", "Refused"),
    412: ResponseSpec("It is not at the version that the request demands.", "Refused"),
    413: ResponseSpec("The body is too large.", "Refused"),
    415: ResponseSpec("The body is not declared as JSON.", "Refused"),
    422: ResponseSpec("There are errors in what was sent, and nothing was changed.", "Refused"),
    503: ResponseSpec("No agent, or no store, is there to make the change.", "Refused"),
    504: ResponseSpec("The agent did not answer.", "Refused"),
}
_MISSING = ResponseSpec("There is no such object.", "Refused")
_CHANGED = ResponseSpec("It is done, or was so already.", "Done", headers=("ETag",))

_MERGE_PATCH = ("application/merge-patch+json", "application/json")


def _object_operations(kind: str) -> tuple[Operation, ...]:
    at, one = f"/api/http/{kind}/{{name}}", kind.removesuffix("s")
    common = (_NAME, _WAIT, _DRY, _IF_MATCH)
    return (
        Operation(
            at,
            f"Define a {one}",
            "Changes",
            {
                200: _CHANGED,
                201: ResponseSpec("It is done, and is new.", "Done", headers=("ETag",)),
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
            f"Take a {one} out",
            "Changes",
            {200: ResponseSpec("It is gone.", "Done"), **_REFUSED},
            "delete",
            common,
        ),
    )


WRITE_OPERATIONS = (
    *_object_operations("routers"),
    *_object_operations("services"),
    *_object_operations("middlewares"),
    Operation(
        "/api/providers/{provider}",
        "Define all that the provider rest has",
        "Changes",
        {200: _CHANGED, **_REFUSED, 404: ResponseSpec("The provider is off.", "Refused")},
        "put",
        (path("provider", "`rest`, or Traefik 1's `web`."), _WAIT, _DRY, _IF_MATCH),
        OBJECT,
    ),
    Operation(
        "/api/history",
        "What was changed through the API: the last 100 changes, the newest first",
        "Changes",
        {
            200: ResponseSpec("A page.", list_of("Entry"), headers=(NEXT, "ETag")),
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
            200: ResponseSpec("What it changed is in `differences`.", "EntryInFull"),
            404: _MISSING,
            503: _REFUSED[503],
        },
        parameters=(_VERSION,),
    ),
    Operation(
        "/api/history/{version}/diff",
        "What differs between two versions",
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
            query("to", "The other version; the present one without.", {"type": "integer", "minimum": 0}),
        ),
    ),
    Operation(
        "/api/history/{version}/rollback",
        "Make everything as it was at a version",
        "Changes",
        {200: _CHANGED, **_REFUSED},
        "post",
        (_VERSION, _WAIT, _IF_MATCH),
        OBJECT,
    ),
)
