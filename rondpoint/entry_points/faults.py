"""Diagnostics about the options of entry points for all their routers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.options import EntryPointOptions
from rondpoint.entry_points.own_middleware import report


def entry_point_diagnostics(
    entry_points: Mapping[str, EntryPointOptions],
    find_fault: Callable[[str, tuple[str, ...]], str],
) -> Iterator[Diagnostic]:
    """Yield the diagnostics about entry points with these options.

    `find_fault` returns why middlewares with these names cannot be performed on this entry point, or an
    empty text.
    """
    for name, options in entry_points.items():
        yield from options.diagnostics
        redirection = options.redirection
        fault = find_fault(name, options.middlewares)
        if not fault and redirection is not None:
            fault = find_fault(name, (redirection.middleware.name,))
        if fault:
            hint = f"define it, or remove it from entryPoints.{name}.http.middlewares"
            missing = fault.endswith("does not exist")
            yield report(name, f"its routers respond with 503: {fault}", hint if missing else "")
