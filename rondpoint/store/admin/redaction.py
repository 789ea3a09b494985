"""Redacts the secrets in objects that clients sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from rondpoint.middlewares.options import Group, Option, Secrecy
from rondpoint.middlewares.redaction import HIDDEN, redact_headers, redact_sent
from rondpoint.middlewares.schemas import CANONICAL, SCHEMAS
from rondpoint.store.admin.document import split_field

MIDDLEWARES = "http/middlewares"

_SECRET = frozenset(("auth", "basicauth", "certificates", "password", "token"))
"""Names, in lower case, of options with secrets in Traefik 1's frontends and in transports."""


class Change(Struct, frozen=True, omit_defaults=True):
    """One changed value, at `path` within an object; None for a missing value."""

    path: str
    before: Any = None
    after: Any = None


def redact(field: str, value: Any) -> Any:
    """Return a stored value with `…` in place of secrets."""
    if not isinstance(value, Mapping):
        return value
    if split_field(field)[1] == MIDDLEWARES:
        return {kind: _redact_kind(kind, options) for kind, options in value.items()}
    return _redact_by_name(value)


def redacted_changes(field: str, before: Any, after: Any) -> Iterator[Change]:
    """Yield the differences between two values of a field; a changed secret is listed, but redacted."""
    yield from _redacted_changes("", before, after, redact(field, before), redact(field, after))


def _redacted_changes(
    path: str, before: Any, after: Any, shown_before: Any, shown_after: Any
) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(shown_before, Mapping) and isinstance(shown_after, Mapping):
        for name in sorted({*before, *after}):
            yield from _redacted_changes(
                f"{path}.{name}" if path else name,
                before.get(name),
                after.get(name),
                shown_before.get(name),
                shown_after.get(name),
            )
        return
    yield Change(path, shown_before, shown_after)


def _redact_kind(kind: str, options: Any) -> Any:
    known = CANONICAL.get(kind.lower())
    if known is None:
        return HIDDEN
    return _redact_group(SCHEMAS[known], options) if isinstance(options, Mapping) else options


def _redact_group(group: Group, options: Mapping[str, Any]) -> dict[str, Any]:
    parts = {name.lower(): part for name, part in group.options.items()}
    return {
        name: _redact_option(parts.get(name.lower(), parts.get("*")), value)
        for name, value in options.items()
    }


def _redact_option(part: Option | Group | None, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(part, Group):
        return _redact_group(part, value) if isinstance(value, Mapping) else value
    if part is not None and part.secrecy is Secrecy.OPEN:
        return value
    if part is not None and part.secrecy is Secrecy.HEADERS and isinstance(value, Mapping):
        return redact_headers(value)
    return HIDDEN


def _redact_by_name(value: Any) -> Any:
    if isinstance(value, list):
        return [_redact_by_name(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _redact_named(name.lower(), item) for name, item in value.items()}


def _redact_named(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _SECRET:
        return HIDDEN
    if name == "send" and isinstance(value, str):
        return redact_sent(value)
    if name.endswith("headers") and not isinstance(value, list):
        return redact_headers(value) if isinstance(value, Mapping) else HIDDEN
    return _redact_by_name(value)
