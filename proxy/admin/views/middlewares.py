"""Middlewares, as Traefik 3's API shows them; their secrets stay hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from proxy.admin.views.durations import go_duration
from proxy.admin.views.object_status import ObjectStatus, provider_of
from rondpoint.middlewares.canonical import complete
from rondpoint.middlewares.options import Group
from rondpoint.middlewares.readers import seconds
from rondpoint.middlewares.redaction import redacted
from rondpoint.middlewares.schemas import SCHEMAS
from rondpoint.model import Middleware


class MiddlewareView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What all kinds have; the options follow below the kind's own name. `used_by` are routers."""

    name: str
    provider: str
    type: str = ""
    status: str = ""
    used_by: tuple[str, ...] = ()
    error: tuple[str, ...] = ()


def middleware_view(
    middleware: Middleware, object_status: ObjectStatus, used_by: tuple[str, ...]
) -> dict[str, Any]:
    """The options below the kind's name, and what stands beside them; ready for JSON."""
    view = MiddlewareView(
        name=middleware.name,
        provider=provider_of(middleware.name),
        type=middleware.kind.lower(),
        status=object_status.status,
        used_by=used_by,
        error=object_status.errors,
    )
    return {middleware.kind: _options(middleware), **msgspec.to_builtins(view)}


def left_out_view(name: str, object_status: ObjectStatus) -> dict[str, Any]:
    """A middleware that somebody wrote and that is not in force."""
    view = MiddlewareView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )
    found: dict[str, Any] = msgspec.to_builtins(view)
    return found


def _options(middleware: Middleware) -> dict[str, Any]:
    options = redacted(middleware).options
    schema = SCHEMAS.get(middleware.kind)
    if schema is None:
        return options
    return _written(schema, complete(middleware.kind, options), options)


def _written(group: Group, options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Times in Go's notation, and without the defaults that say nothing, as Traefik leaves them out."""
    shown: dict[str, Any] = {}
    for name, value in options.items():
        part = group.options.get(name) or group.options.get("*")
        if isinstance(part, Group):
            inner = given.get(name)
            shown[name] = (
                _written(part, value, inner)
                if isinstance(value, Mapping) and isinstance(inner, Mapping)
                else value
            )
        elif name in given or value:
            timed = part is not None and part.read is seconds and isinstance(value, int | float)
            shown[name] = go_duration(value) if timed else value
    return shown
