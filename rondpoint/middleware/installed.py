"""Loads the Python middlewares that packages register, and those of modules that the settings name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from rondpoint.middleware.definition import Definition, definition_of
from rondpoint.rules.suggestions import did_you_mean

log = logging.getLogger(__name__)

GROUP = "rondpoint.middlewares"
"""The group of entry points by which packages register their middlewares."""


class InstalledMiddlewares:
    """The Python middlewares by name, and what kept others from being loaded."""

    def __init__(self) -> None:
        self._by_name: dict[str, Definition] = {}
        self._twice: set[str] = set()
        self._faults: list[str] = []

    def find(self, name: str) -> Definition:
        """Return the middleware of this name. Raises ValueError, which says why there is none."""
        definition = self._by_name.get(name)
        if name in self._twice:
            raise ValueError(f"more than one installed Python middleware has the name {name}")
        if definition is None:
            known = did_you_mean(name, self._by_name) if self._by_name else "none is installed"
            reasons = "".join(f"; {fault}" for fault in self._faults)
            raise ValueError(f"no installed Python middleware has the name {name} ({known}{reasons})")
        return definition

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all middlewares, sorted."""
        return tuple(sorted(self._by_name))

    def load(self, source: str, find: Callable[[], object]) -> None:
        """Add what `find` returns: a module, or a decorated function; log why if that fails.

        `source` is for messages.
        """
        try:
            found = list(_definitions(find()))
        # The code is the user's: it may raise anything, and must not end the worker.
        except (Exception, SystemExit) as error:
            log.exception("%s could not be loaded", source)
            self._faults.append(f"{source} could not be loaded: {type(error).__name__}: {error}")
            return
        if not found:
            log.error("%s has no function with the decorator @middleware", source)
            self._faults.append(f"{source} has no function with the decorator @middleware")
        for definition in found:
            self._add(source, definition)

    def _add(self, source: str, definition: Definition) -> None:
        known = self._by_name.setdefault(definition.name, definition)
        if known.function is not definition.function:
            log.error("%s defines the middleware %s, which exists already", source, definition.name)
            self._twice.add(definition.name)


def load_installed(modules: Sequence[str] = ()) -> InstalledMiddlewares:
    """Import the middlewares of installed packages and of these modules; log those that cannot be imported.

    A module is a name, or the path of a file that ends with `.py`.
    """
    installed = InstalledMiddlewares()
    for point in entry_points(group=GROUP):
        installed.load(f"the entry point {point.name} = {point.value}", point.load)
    for module in modules:
        installed.load(f"the module {module}", lambda name=module: _import(name))  # type: ignore[misc]
    return installed


def _import(name: str) -> ModuleType:
    if not name.endswith(".py"):
        return import_module(name)
    path = Path(name)
    specification = spec_from_file_location(f"rondpoint_middleware_{path.stem}", path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{name} is no Python file")
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _definitions(found: object) -> Iterator[Definition]:
    values: Iterable[Any] = vars(found).values() if isinstance(found, ModuleType) else (found,)
    for value in values:
        definition = definition_of(value)
        if definition is not None:
            yield definition
