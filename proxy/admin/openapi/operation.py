"""Types for the table of API operations, and short constructors for parameters and schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}


class Parameter(Struct, frozen=True):
    """A parameter in the path, the query or a header (`location`)."""

    name: str
    location: str
    description: str
    schema: Schema = field(default_factory=lambda: TEXT)
    required: bool = False


class ResponseSpec(Struct, frozen=True):
    """A response. `schema` is a schema, a type to convert to one, or None for a body that is not JSON."""

    description: str
    schema: Any = None
    headers: tuple[str, ...] = ()
    content_type: str = "application/json"


class Operation(Struct, frozen=True):
    """One method of one path, with its `responses` by status; the document adds the common responses."""

    path: str
    summary: str
    tag: str
    responses: Mapping[int, ResponseSpec]
    method: str = "get"
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    body_types: tuple[str, ...] = ("application/json",)


def query(name: str, description: str, schema: Schema = TEXT) -> Parameter:
    return Parameter(name, "query", description, schema)


def path(name: str, description: str, schema: Schema = TEXT) -> Parameter:
    return Parameter(name, "path", description, schema, required=True)


def header(name: str, description: str) -> Parameter:
    return Parameter(name, "header", description)


def list_of(kind: Any) -> Schema:
    """Return the schema of a list of a type."""
    return {"type": "array", "items": kind}


def map_of(kind: Any) -> Schema:
    """Return the schema of an object that maps names to a type."""
    return {"type": "object", "additionalProperties": kind}
