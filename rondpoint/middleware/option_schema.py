"""Reads the options of a Python middleware into the class that it declares for them.

Labels and keys hold text only, so `"5"` passes for a number, and a text with commas for a list. The case of
option names does not matter, and `redisUrl` stands for `redis_url`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard, get_args, get_origin

import msgspec

from rondpoint.rules.suggestions import did_you_mean

if TYPE_CHECKING:
    import pydantic  # noqa: TID251 - for types only

_LISTS = (list, tuple, set, frozenset)


def read_options(schema: type | None, written: Mapping[str, Any]) -> Any:
    """Return the options as a value of `schema`, a msgspec Struct or pydantic model; None without schema.

    Raises ValueError, which names the option, and TypeError for another kind of schema.
    """
    if schema is None:
        if written:
            raise ValueError(f"it has no options, but {next(iter(written))} is given")
        return None
    if issubclass(schema, msgspec.Struct):
        return _read_struct(schema, written)
    if _is_model(schema):
        return _read_model(schema, written)
    raise TypeError(f"{schema.__qualname__} is neither a msgspec Struct nor a pydantic model")


def _read_struct(schema: type[msgspec.Struct], written: Mapping[str, Any]) -> msgspec.Struct:
    try:
        return msgspec.convert(_with_known_names(schema, written), schema, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        where = path.rstrip("`").lstrip(".")
        raise ValueError(f"option {where}: {message}" if where else f"options: {message}") from None


def _read_model(schema: type[pydantic.BaseModel], written: Mapping[str, Any]) -> pydantic.BaseModel:
    import pydantic  # noqa: PLC0415, TID251 - see _is_model

    try:
        return schema.model_validate(_with_known_names(schema, written))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"option {where}: {first['msg']}" if where else f"options: {first['msg']}") from None


def _with_known_names(schema: type, written: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the options by the names that the schema gives them. Raises ValueError for an unknown one."""
    fields = _fields(schema)
    names = {_plain(name): name for name in fields}
    found: dict[str, Any] = {}
    for key, value in written.items():
        name = names.get(_plain(key))
        if name is None:
            hint = did_you_mean(key, fields) if fields else "there are no options here"
            raise ValueError(f"option {path}{key} is unknown ({hint})")
        found[name] = _read_value(fields[name], value, f"{path}{key}.")
    return found


def _read_value(kind: Any, value: Any, path: str) -> Any:
    if isinstance(value, Mapping) and _is_schema(kind):
        return _with_known_names(kind, value, path)
    if isinstance(value, str) and (get_origin(kind) or kind) in _LISTS:
        return [item for item in map(str.strip, value.split(",")) if item]
    return value


def _fields(schema: type) -> dict[str, Any]:
    """Return the types of the fields of a schema, by the names that its options have."""
    if issubclass(schema, msgspec.Struct):
        return {field.encode_name: _without_none(field.type) for field in msgspec.structs.fields(schema)}
    return {
        field.alias or name: _without_none(field.annotation)
        for name, field in schema.model_fields.items()  # type: ignore[attr-defined]
    }


def _without_none(kind: Any) -> Any:
    """Return the other type of `X | None`."""
    others = [item for item in get_args(kind) if item is not type(None)]
    return others[0] if type(None) in get_args(kind) and len(others) == 1 else kind


def _is_schema(kind: Any) -> bool:
    return isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or _is_model(kind))


def _is_model(kind: type) -> TypeGuard[type[pydantic.BaseModel]]:
    # Whoever has a model has imported pydantic; it takes 6 MB in every process that imports it.
    loaded = sys.modules.get("pydantic")
    return loaded is not None and issubclass(kind, loaded.BaseModel)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
