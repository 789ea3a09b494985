"""Redacts secrets, of middlewares above all, for the API, the dashboard, messages and logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from rondpoint.middlewares.options import Group, Option, Secrecy
from rondpoint.middlewares.schemas import SCHEMAS
from rondpoint.model import Middleware

HIDDEN = "…"

_SECRET_HEADER = re.compile(
    r"auth|cookie|token|secret|passw|credential|session|signature|key\b", re.IGNORECASE
)
"""Names of headers whose values are likely to be credentials."""

_LOGIN = re.compile(r"auth|pass|login|token|secret|credential", re.IGNORECASE)
"""Words of protocols with which clients send credentials, such as `AUTH` of Redis and `PASS` of POP3."""


def redact_middleware(middleware: Middleware, schemas: Mapping[str, Group] = SCHEMAS) -> Middleware:
    """Return the middleware with `…` in place of secret options, or all options of an unknown kind.

    The schemas of TCP middlewares are TCP_SCHEMAS.
    """
    schema = schemas.get(middleware.kind)
    if schema is None:
        return replace(middleware, options=dict.fromkeys(middleware.options, HIDDEN))
    return replace(middleware, options=_redact_group(schema, middleware.options))


def _redact_group(group: Group, options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _redact_value(group.options.get(name) or group.options.get("*"), value)
        for name, value in options.items()
    }


def _redact_value(part: Option | Group | None, value: Any) -> Any:
    if isinstance(part, Group):
        return _redact_group(part, value) if isinstance(value, Mapping) else HIDDEN
    if part is None or part.secrecy is Secrecy.HIDDEN:
        return HIDDEN
    if part.secrecy is Secrecy.OPEN:
        return value
    return redact_headers(value) if isinstance(value, Mapping) else HIDDEN


def redact_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return headers by name, with `…` in place of values that are likely to be credentials."""
    return {name: HIDDEN if item and _SECRET_HEADER.search(name) else item for name, item in headers.items()}


def redact_sent(text: str) -> str:
    """Return what a health check sends, or `…` if it is likely to contain credentials."""
    return HIDDEN if _LOGIN.search(text) else text
