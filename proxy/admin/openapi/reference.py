"""Generates the tables of the API's reference page from the operations of the OpenAPI document.

`python -m proxy.admin.openapi.reference docs/reference/api.md` updates the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.admin.authorisation import OPEN_PATHS
from proxy.admin.openapi.document import COMMON_RESPONSES, OPERATIONS
from proxy.admin.openapi.operation import Operation, Parameter, ResponseSpec
from proxy.admin.paging import LARGEST
from proxy.authentication.request_origin import SAFE_METHODS
from rondpoint.reference_pages import markdown_table, update_page

_NAMED_OWNERS = 3
"""Operations of a parameter that are named one by one; for more, their tags are."""

_TAGS = {"traefik-3": "Traefik 3", "traefik-1": "Traefik 1", "rondpoint": "Rondpoint", "changes": "Changes"}
"""The page's blocks of operations, and the tag of each."""


def blocks() -> dict[str, str]:
    """Return the generated blocks by name."""
    tables = {name: _operation_table(tag) for name, tag in _TAGS.items()}
    return {**tables, "parameters": _parameter_table(), "statuses": _status_table()}


def required_right(operation: Operation) -> str:
    """Return the right that an operation requires: `none`, `read` or `change`."""
    if operation.path in OPEN_PATHS:
        return "none"
    return "read" if operation.method.upper() in SAFE_METHODS else "change"


def _operation_table(tag: str) -> str:
    rows = (
        (
            _request(operation),
            _description(operation),
            _parameter_names(operation),
            _response_statuses(operation),
            required_right(operation),
        )
        for operation in OPERATIONS
        if operation.tag == tag
    )
    return markdown_table(("request", "", "parameters", "responses", "right"), rows)


def _request(operation: Operation) -> str:
    return f"`{operation.method.upper()} {operation.path}`"


def _description(operation: Operation) -> str:
    """Return the summary, plus the description of the response if that names fields."""
    found = operation.responses[200].description
    return f"{operation.summary}. {found}" if "`" in found else operation.summary


def _parameter_names(operation: Operation) -> str:
    parameters = (parameter for parameter in operation.parameters if parameter.location != "path")
    return ", ".join(f"**`{one.name}`**" if one.required else f"`{one.name}`" for one in parameters)


def _response_statuses(operation: Operation) -> str:
    shape = _shape(operation.responses[200].schema)
    statuses = [str(status) for status in sorted(operation.responses) if status != 200]
    return ", ".join((f"200 {shape}".strip(), *statuses))


def _shape(schema: Any) -> str:
    """Return the name of the response's type in the document's components."""
    if isinstance(schema, str):
        return f"`{schema}`"
    if isinstance(schema, Mapping) and "anyOf" in schema:
        return " or ".join(map(_shape, schema["anyOf"]))
    if isinstance(schema, Mapping):
        inner = schema.get("items") or schema.get("additionalProperties")
        if inner is None:
            return "an object"
        return f"a list of {_shape(inner)}" if "items" in schema else f"{_shape(inner)} by name"
    return f"`{schema.__name__}`" if schema is not None else "text"


def _parameter_table() -> str:
    """List each parameter once; add its operations if several parameters share a name."""
    users: dict[tuple[str, str, str, str], list[Operation]] = {}
    for operation in OPERATIONS:
        for parameter in operation.parameters:
            key = (parameter.name, parameter.location, _values(parameter), parameter.description)
            users.setdefault(key, []).append(operation)
    names = [name for name, *_ in users]
    rows = (
        (
            f"`{name}`",
            location,
            values,
            description,
            _owner(operations) if names.count(name) > 1 else "",
        )
        for (name, location, values, description), operations in sorted(users.items(), key=_by_name)
    )
    return markdown_table(("parameter", "in", "values", "", "used by"), rows)


def _by_name(item: tuple[tuple[str, str, str, str], object]) -> tuple[str, ...]:
    return tuple(word.lower() for word in item[0])


def _owner(operations: list[Operation]) -> str:
    if len(operations) <= _NAMED_OWNERS:
        return ", ".join(map(_request, operations))
    return ", ".join(dict.fromkeys(operation.tag for operation in operations))


def _values(parameter: Parameter) -> str:
    schema = parameter.schema
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        return "texts"
    words = {
        "string": "text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "`true`, `false`",
    }
    word = words[schema["type"]]
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and high < LARGEST:
        return f"{word} from {low} to {high}"
    return f"{word} from {low}" if low is not None else word


def _status_table() -> str:
    """Return a table of the error statuses and their meanings."""
    meanings: dict[int, dict[str, None]] = {}
    for responses in (COMMON_RESPONSES, *(operation.responses for operation in OPERATIONS)):
        for status, description in _refusals(responses):
            meanings.setdefault(status, {})[description] = None
    return markdown_table(
        ("status", ""), ((str(status), " ".join(meanings[status])) for status in sorted(meanings))
    )


def _refusals(responses: Mapping[int, ResponseSpec]) -> Iterable[tuple[int, str]]:
    return ((status, response.description) for status, response in responses.items() if status >= 400)


if __name__ == "__main__":
    update_page(blocks())
