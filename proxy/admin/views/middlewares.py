"""Middlewares as Traefik 3's API shows them, with secrets redacted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from proxy.admin.views.object_status import ObjectStatus, provider_of
from rondpoint.go_durations import go_duration
from rondpoint.middlewares.canonical import add_defaults
from rondpoint.middlewares.options import Group
from rondpoint.middlewares.readers import seconds
from rondpoint.middlewares.redaction import redact_middleware
from rondpoint.middlewares.schemas import SCHEMAS
from rondpoint.model import Middleware


class MiddlewareView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The fields that all kinds have; the options stand in a field named after the kind.

    `used_by` lists routers and services.
    """

    name: str
    provider: str
    type: str = ""
    status: str = ""
    used_by: tuple[str, ...] = ()
    error: tuple[str, ...] = ()


def middleware_view(
    middleware: Middleware, object_status: ObjectStatus, used_by: tuple[str, ...]
) -> dict[str, Any]:
    """Return the common fields and the options of a middleware, ready for JSON."""
    view = MiddlewareView(
        name=middleware.name,
        provider=provider_of(middleware.name),
        type=middleware.kind.lower(),
        status=object_status.status,
        used_by=used_by,
        error=object_status.errors,
    )
    return {middleware.kind: shown_options(middleware), **msgspec.to_builtins(view)}


def left_out_view(name: str, object_status: ObjectStatus) -> dict[str, Any]:
    """Return the view of a middleware that is defined but not in force."""
    view = MiddlewareView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )
    found: dict[str, Any] = msgspec.to_builtins(view)
    return found


def shown_options(middleware: Middleware) -> dict[str, Any]:
    """Return the options ready for JSON, with defaults that are not empty and without secrets."""
    options = redact_middleware(middleware).options
    schema = SCHEMAS.get(middleware.kind)
    if schema is None:
        return options
    return _format_options(schema, add_defaults(middleware.kind, options), options)


def _format_options(group: Group, options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Format durations in Go's notation, and drop empty defaults, as Traefik does."""
    shown: dict[str, Any] = {}
    for name, value in options.items():
        option = group.options.get(name) or group.options.get("*")
        if isinstance(option, Group):
            inner = given.get(name)
            shown[name] = (
                _format_options(option, value, inner)
                if isinstance(value, Mapping) and isinstance(inner, Mapping)
                else value
            )
        elif name in given or value:
            timed = option is not None and option.read is seconds and isinstance(value, int | float)
            shown[name] = go_duration(value) if timed else value
    return shown
