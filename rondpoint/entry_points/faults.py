"""Diagnostics about the options of entry points for all their routers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.options import EntryPointOptions, qualify_middlewares
from rondpoint.entry_points.own_middleware import report
from rondpoint.model import Router


def entry_point_diagnostics(
    entry_points: Mapping[str, EntryPointOptions],
    find_fault: Callable[[str, tuple[str, ...]], str],
    routers: Iterable[Router],
) -> Iterator[Diagnostic]:
    """Yield the diagnostics about entry points with these options.

    `find_fault` returns why middlewares with these names cannot be performed on this entry point, or an
    empty text. Names without a provider are looked up in the providers of the `routers` on the entry point.
    """
    unqualified = [name for name, options in entry_points.items() if not _are_qualified(options)]
    providers = _providers_on(unqualified, routers) if unqualified else {}
    for name, options in entry_points.items():
        yield from options.diagnostics
        redirection = options.redirection
        variants = (
            [qualify_middlewares(options.middlewares, f"@{each}") for each in sorted(providers[name])]
            if name in providers
            else [options.middlewares]
        )
        fault = next(filter(None, (find_fault(name, variant) for variant in variants)), "")
        if not fault and redirection is not None:
            fault = find_fault(name, (redirection.middleware.name,))
        if fault:
            hint = f"define it, or remove it from entryPoints.{name}.http.middlewares"
            missing = fault.endswith("does not exist")
            yield report(name, f"its routers respond with 503: {fault}", hint if missing else "")


def _are_qualified(options: EntryPointOptions) -> bool:
    return all("@" in name for name in options.middlewares)


def _providers_on(names: Collection[str], routers: Iterable[Router]) -> dict[str, set[str]]:
    """Return the providers of the routers on each of these entry points."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for router in routers:
        for name in router.entry_points or names:
            if name in found:
                found[name].add(router.name.rpartition("@")[2])
    return found
