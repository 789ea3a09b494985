"""Resolves the entry points to which middlewares redirect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from discovery.merging.entry_point_names import find_entry_point, list_entry_points
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Middleware

_KIND, _OPTION = "redirectEntryPoint", "entryPoint"


def named_targets(middlewares: Iterable[Middleware]) -> Iterator[str]:
    """Yield the names of the entry points to which these middlewares redirect."""
    for middleware in middlewares:
        if middleware.kind == _KIND and _OPTION in middleware.options:
            yield middleware.options[_OPTION]


def resolve_targets(
    middlewares: dict[str, Middleware], entry_points: Collection[str]
) -> Iterator[Diagnostic]:
    """Replace middlewares whose entry point has another name here, or does not exist; yield diagnostics.

    The latter become unusable: their routers respond with 503, because a redirection may guard something.
    """
    for name, middleware in middlewares.items():
        for target in named_targets((middleware,)):
            found = find_entry_point(target, entry_points)
            if found == target:
                continue
            if found is not None:
                options: dict[str, Any] = {**middleware.options, _OPTION: found}
                middlewares[name] = replace(middleware, options=options)
                continue
            middlewares[name] = replace(middleware, unusable=True)
            yield Diagnostic(
                Severity.ERROR,
                name.rpartition("@")[2],
                f"middleware {name}",
                f"entry point {target!r} does not exist, so routers that use the middleware respond with 503",
                list_entry_points(entry_points),
            )
