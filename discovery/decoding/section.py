"""Reads a tree of options; names of options are case-insensitive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from discovery.decoding.report import Report
from rondpoint.rules.suggestions import did_you_mean, find_nearest

T = TypeVar("T")
Tree = Mapping[str, object]
"""The contents of a file, or labels unfolded: texts, numbers, booleans, lists and trees by name."""


class Section:
    """One level of a tree of options, and the path at which it was written.

    A section remembers the names that were read, so that `finish` can report unknown ones. It reports invalid
    values when they are read, and returns the default instead.
    """

    def __init__(self, tree: Tree, path: str, report: Report) -> None:
        self.path = path
        self.report = report
        self._tree = tree
        self._names = {name.lower(): name for name in tree}
        self._read_names: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Every name on this level, as written."""
        return tuple(self._tree)

    def key(self, name: str) -> str:
        """Return the full key of an option, in the author's spelling if it is given."""
        written = self._names.get(name.lower(), name)
        return f"{self.path}.{written}" if self.path else written

    def has(self, name: str) -> bool:
        """Check whether the option is given."""
        return self.raw(name) is not None

    def raw(self, name: str) -> object:
        """Return the value as written, or None if there is none."""
        self._read_names[name.lower()] = name
        written = self._names.get(name.lower())
        return None if written is None else self._tree[written]

    def read(self, name: str, reader: Callable[[object], T], default: T) -> T:
        """Return the value through `reader`, or `default`; `discovery.decoding.values` has readers."""
        value = self.raw(name)
        if value is None:
            return default
        try:
            return reader(value)
        except ValueError as error:
            self.report.error(f"{self.report.at(self.key(name), value)} is not valid", str(error))
            return default

    def section(self, name: str) -> Section | None:
        """Return the section of this name, or None if there is none; another value is reported."""
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return Section(value, self.key(name), self.report)
        self._not_a_section(self.key(name), value)
        return None

    def sections(self, name: str) -> Iterator[tuple[str, Section]]:
        """Yield the named sections within a section, such as all routers; their names keep their case."""
        outer = self.section(name)
        if outer is None:
            return
        for inner, value in outer._tree.items():
            path = f"{outer.path}.{inner}"
            if isinstance(value, Mapping):
                yield inner, Section(value, path, self.report)
            else:
                self._not_a_section(path, value)

    def objects(self, name: str) -> Iterator[tuple[str, Section]]:
        """Yield as `sections`, but report and skip names with an `@`, which only other providers may have."""
        for inner, section in self.sections(name):
            if "@" in inner:
                self.report.error(
                    f"{self.report.at(section.path)} is left out, because a name must not contain @"
                )
            else:
                yield inner, section

    def items(self, name: str) -> Iterator[Section]:
        """Yield the sections of a list."""
        value = self.raw(name)
        if value is None:
            return
        if not isinstance(value, (list, tuple)):
            self.report.error(f"{self.report.at(self.key(name), value)} is not valid", "expected a list")
            return
        for index, item in enumerate(value):
            path = f"{self.key(name)}[{index}]"
            if isinstance(item, Mapping):
                yield Section(item, path, self.report)
            else:
                self._not_a_section(path, item)

    def warn_unserved(self, *names: str) -> None:
        """Warn of known options that are not served yet and whose absence does no harm."""
        for name in names:
            if self.has(name):
                self.report.warning(f"{self.report.at(self.key(name))} is not served yet", "it has no effect")

    def peek(self, name: str) -> Tree:
        """Return the tree below a name without marking the name as read; an empty one if it is no section."""
        value = self._tree.get(name)
        return value if isinstance(value, Mapping) else {}

    def misspelt(self, known: Iterable[str], meant: str) -> tuple[str, ...]:
        """Return the names that were not read and whose nearest name among `known` is `meant`."""
        return tuple(written for written in self.unread if find_nearest(written, known) == meant)

    @property
    def unread(self) -> tuple[str, ...]:
        """Every name that was not read, as written."""
        return tuple(written for lower, written in self._names.items() if lower not in self._read_names)

    def finish(self) -> None:
        """Warn of names that were not read, as unknown ones."""
        for written in self.unread:
            self.report.warning(
                f"{self.report.at(self.key(written))} is unknown",
                did_you_mean(written, self._read_names.values()),
            )

    def _not_a_section(self, path: str, value: object) -> None:
        self.report.error(f"{self.report.at(path, value)} is not valid", "expected options below it")
