"""Reading a tree of options whose names are compared whatever their case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from discovery.decoding.report import Report
from rondpoint.rules.suggestions import did_you_mean, nearest

T = TypeVar("T")
Tree = Mapping[str, object]
"""What files hold and labels are unfolded to: texts, numbers, booleans, lists and trees by name."""


class Section:
    """One level of a tree, and where it was written.

    What is read is remembered, so that `finish` can tell of names that nothing asked for. Bad values
    are reported where they are met, and the default stands in their place.
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
        """The full key of an option, as its author wrote it where he did."""
        written = self._names.get(name.lower(), name)
        return f"{self.path}.{written}" if self.path else written

    def has(self, name: str) -> bool:
        return self.raw(name) is not None

    def raw(self, name: str) -> object:
        """The value as written; None when there is none."""
        self._read_names[name.lower()] = name
        written = self._names.get(name.lower())
        return None if written is None else self._tree[written]

    def read(self, name: str, reader: Callable[[object], T], default: T) -> T:
        """A value through one of the readers of `discovery.decoding.values`."""
        value = self.raw(name)
        if value is None:
            return default
        try:
            return reader(value)
        except ValueError as error:
            self.report.error(f"{self.report.at(self.key(name), value)} is not valid", str(error))
            return default

    def section(self, name: str) -> Section | None:
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return Section(value, self.key(name), self.report)
        self._not_a_section(self.key(name), value)
        return None

    def sections(self, name: str) -> Iterator[tuple[str, Section]]:
        """The named sections within a section: routers, services; their names keep their case."""
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
        """As `sections`, without those whose name only another provider's object could have."""
        for inner, section in self.sections(name):
            if "@" in inner:
                self.report.error(f"{self.report.at(section.path)}: a name may not hold @, so it is left out")
            else:
                yield inner, section

    def items(self, name: str) -> Iterator[Section]:
        """The sections of a list."""
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
        """Warn of options that only tune, and are known but not served yet."""
        for name in names:
            if self.has(name):
                self.report.warning(f"{self.report.at(self.key(name))} is not served yet", "it has no effect")

    def peek(self, name: str) -> Tree:
        """What is below a name, which counts as not asked for; nothing where that is no section."""
        value = self._tree.get(name)
        return value if isinstance(value, Mapping) else {}

    def misspelt(self, known: Iterable[str], meant: str) -> tuple[str, ...]:
        """Names that nothing asked for and to which, of those `known`, the one `meant` is nearest."""
        left = (written for lower, written in self._names.items() if lower not in self._read_names)
        return tuple(written for written in left if nearest(written, known) == meant)

    def finish(self) -> None:
        """Warn of names that nothing asked for."""
        for lower, written in self._names.items():
            if lower not in self._read_names:
                self.report.warning(
                    f"{self.report.at(self.key(written))} is unknown",
                    did_you_mean(written, self._read_names.values()),
                )

    def _not_a_section(self, path: str, value: object) -> None:
        self.report.error(f"{self.report.at(path, value)} is not valid", "expected options below it")
