"""The options of a middleware as people read them: with defaults, without secrets, with Go's durations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from rondpoint.go_durations import go_duration
from rondpoint.middlewares.canonical import add_defaults
from rondpoint.middlewares.options import Group
from rondpoint.middlewares.readers import seconds
from rondpoint.middlewares.redaction import redact_middleware
from rondpoint.middlewares.schemas import SCHEMAS
from rondpoint.model import Middleware


def shown_options(middleware: Middleware, schemas: Mapping[str, Group] = SCHEMAS) -> dict[str, Any]:
    """Return the options ready for JSON: the given ones, and defaults that are not empty, as in Traefik.

    The schemas of TCP middlewares are TCP_SCHEMAS.
    """
    options = redact_middleware(middleware, schemas).options
    schema = schemas.get(middleware.kind)
    if schema is None:
        return options
    return _shown_group(schema, add_defaults(middleware.kind, options, schemas), options)


def format_options(options: Mapping[str, Any]) -> str:
    """Return shown options in one line: `average=100, period=1s`."""
    return ", ".join(
        f"{name}={value if isinstance(value, str) else msgspec.json.encode(value).decode()}"
        for name, value in options.items()
    )


def unfold_chains(
    names: tuple[str, ...], middlewares: Mapping[str, Middleware], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, Middleware | None]]:
    """Yield these middlewares by name in the order in which they run, with the members of chains.

    A middleware that does not exist is None. A chain that is a part of itself has no members.
    """
    for name in names:
        middleware = middlewares.get(name)
        if middleware is None or middleware.kind != "chain":
            yield name, middleware
        elif name not in above:
            members = tuple(middleware.options.get("middlewares", ()))
            yield from unfold_chains(members, middlewares, (*above, name))


def _shown_group(group: Group, options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in options.items():
        option = group.options.get(name) or group.options.get("*")
        if isinstance(option, Group):
            inner = given.get(name)
            shown[name] = (
                _shown_group(option, value, inner)
                if isinstance(value, Mapping) and isinstance(inner, Mapping)
                else value
            )
        elif name in given or value:
            timed = option is not None and option.read is seconds and isinstance(value, int | float)
            shown[name] = go_duration(value) if timed else value
    return shown
