"""Checks the middlewares and redirections of entry points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.faults import entry_point_diagnostics
from rondpoint.entry_points.options import EntryPointOptions, read_entry_points
from rondpoint.explaining.middleware_faults import find_middleware_fault
from rondpoint.model import Configuration
from rondpoint.settings import Settings

_FILE = "file"


def check_entry_points(
    all_settings: Iterable[Settings], configuration: Configuration
) -> Iterator[Diagnostic]:
    """Yield diagnostics about the options of entry points for all their routers.

    The middlewares of other providers than files are assumed to exist, unless `configuration` has some of
    the same provider; so are those of files without any route file.
    """
    providers = {name.rpartition("@")[2] for name in configuration.middlewares} | {""}
    if configuration.routers:
        providers.add(_FILE)
    for settings in all_settings:
        entry_points = read_entry_points(settings)

        def find_fault(
            name: str,
            middlewares: tuple[str, ...],
            entry_points: dict[str, EntryPointOptions] = entry_points,
        ) -> str:
            own = entry_points[name].own
            known = Configuration(middlewares={**configuration.middlewares, **own})
            checked = [each for each in middlewares if each in own or each.rpartition("@")[2] in providers]
            return find_middleware_fault(known, checked)

        yield from entry_point_diagnostics(entry_points, find_fault, settings)
