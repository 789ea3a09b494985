"""Middlewares as Traefik 3's API shows them, with secrets redacted."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from proxy.admin.views.object_status import ObjectStatus, provider_of
from rondpoint.middlewares.display import shown_options
from rondpoint.middlewares.schemas import TCP_SCHEMAS
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
    return {middleware.kind: shown_options(middleware), **_common_fields(middleware, object_status, used_by)}


def tcp_middleware_view(
    middleware: Middleware, object_status: ObjectStatus, used_by: tuple[str, ...]
) -> dict[str, Any]:
    """Return the common fields and the options of a TCP middleware, ready for JSON."""
    options = shown_options(middleware, TCP_SCHEMAS)
    return {middleware.kind: options, **_common_fields(middleware, object_status, used_by)}


def left_out_view(name: str, object_status: ObjectStatus) -> dict[str, Any]:
    """Return the view of a middleware that is defined but not in force."""
    view = MiddlewareView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )
    found: dict[str, Any] = msgspec.to_builtins(view)
    return found


def _common_fields(
    middleware: Middleware, object_status: ObjectStatus, used_by: tuple[str, ...]
) -> dict[str, Any]:
    view = MiddlewareView(
        name=middleware.name,
        provider=provider_of(middleware.name),
        type=middleware.kind.lower(),
        status=object_status.status,
        used_by=used_by,
        error=object_status.errors,
    )
    found: dict[str, Any] = msgspec.to_builtins(view)
    return found
