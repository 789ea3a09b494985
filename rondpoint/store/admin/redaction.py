"""What people may see of what somebody sent: all but the secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from rondpoint.middlewares.options import Group, Option, Secrecy
from rondpoint.middlewares.redaction import HIDDEN, open_headers
from rondpoint.middlewares.schemas import CANONICAL, SCHEMAS
from rondpoint.store.admin.document import parts_of

MIDDLEWARES = "http/middlewares"

_SECRET = frozenset(("auth", "basicauth", "certificates", "password", "token"))
"""Options, in lower case, that hold secrets: of Traefik 1's frontends, and of transports."""


class Change(Struct, frozen=True, omit_defaults=True):
    """One value that differs, at `path` within an object; None where there is none."""

    path: str
    before: Any = None
    after: Any = None


def shown(field: str, value: Any) -> Any:
    """A stored value with `…` for what is secret."""
    if not isinstance(value, Mapping):
        return value
    if parts_of(field)[1] == MIDDLEWARES:
        return {kind: _of_kind(kind, options) for kind, options in value.items()}
    return _plainly(value)


def changes(field: str, before: Any, after: Any) -> Iterator[Change]:
    """What differs between two values of a field, with the secrets hidden: that they differ is told."""
    yield from _changes("", before, after, shown(field, before), shown(field, after))


def _changes(path: str, before: Any, after: Any, shown_before: Any, shown_after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(shown_before, Mapping) and isinstance(shown_after, Mapping):
        for name in sorted({*before, *after}):
            yield from _changes(
                f"{path}.{name}" if path else name,
                before.get(name),
                after.get(name),
                shown_before.get(name),
                shown_after.get(name),
            )
        return
    yield Change(path, shown_before, shown_after)


def _of_kind(kind: str, options: Any) -> Any:
    known = CANONICAL.get(kind.lower())
    if known is None:
        return HIDDEN
    return _below(SCHEMAS[known], options) if isinstance(options, Mapping) else options


def _below(group: Group, options: Mapping[str, Any]) -> dict[str, Any]:
    parts = {name.lower(): part for name, part in group.options.items()}
    return {name: _option(parts.get(name.lower(), parts.get("*")), value) for name, value in options.items()}


def _option(part: Option | Group | None, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(part, Group):
        return _below(part, value) if isinstance(value, Mapping) else value
    if part is not None and part.secrecy is Secrecy.OPEN:
        return value
    if part is not None and part.secrecy is Secrecy.HEADERS and isinstance(value, Mapping):
        return open_headers(value)
    return HIDDEN


def _plainly(value: Any) -> Any:
    if isinstance(value, list):
        return [_plainly(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _named(name.lower(), item) for name, item in value.items()}


def _named(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _SECRET:
        return HIDDEN
    if name.endswith("headers") and not isinstance(value, list):
        return open_headers(value) if isinstance(value, Mapping) else HIDDEN
    return _plainly(value)
