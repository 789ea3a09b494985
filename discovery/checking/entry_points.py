"""Checks the middlewares and redirections of entry points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from discovery.merging.page_services import page_service
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.faults import entry_point_diagnostics
from rondpoint.entry_points.options import read_entry_points
from rondpoint.explaining.middleware_faults import find_middleware_fault
from rondpoint.model import Middleware, Router, Service
from rondpoint.settings import Settings


def check_entry_points(
    all_settings: Iterable[Settings],
    middlewares: Mapping[str, Middleware],
    routers: Collection[Router],
    providers: Collection[str],
) -> Iterator[Diagnostic]:
    """Yield diagnostics about the options of entry points for all their routers.

    `middlewares` and `routers` are those of these providers. Middlewares of other providers are assumed to
    exist.
    """
    for settings in all_settings:
        entry_points = read_entry_points(settings)
        own = {name: each for options in entry_points.values() for name, each in options.own.items()}
        used = [name for options in entry_points.values() for name in options.middlewares]
        in_chains = [name for each in middlewares.values() for name in each.options.get("middlewares", ())]
        elsewhere = {
            name: Middleware(name, "chain", {"middlewares": []})
            for name in (*used, *in_chains)
            if "@" in name and name.rpartition("@")[2] not in providers
        }
        # The merge reports pages of services that do not exist.
        pages = {name: Service(name) for name in map(page_service, middlewares.values()) if name}
        known = Configuration(services=pages, middlewares={**middlewares, **elsewhere, **own})
        yield from entry_point_diagnostics(entry_points, partial(_find_fault, known), routers)


def _find_fault(configuration: Configuration, _entry_point: str, middlewares: tuple[str, ...]) -> str:
    return find_middleware_fault(configuration, middlewares)
