"""Converts the written options of one middleware to Traefik 3 spelling and typed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from rondpoint.middlewares.options import Group, Option, Secrecy
from rondpoint.middlewares.schemas import SCHEMAS
from rondpoint.rules.suggestions import did_you_mean


class OptionError(Struct, frozen=True):
    """An error at `path`, the names below the kind as written; `value` is None if it is secret.

    `fatal`: without this option the middleware cannot be performed safely.
    """

    path: tuple[str, ...]
    value: object
    message: str
    hint: str = ""
    fatal: bool = True


class CanonicalOptions(Struct, frozen=True):
    """The given options, in Traefik 3 spelling and typed; `add_defaults` adds the others."""

    options: dict[str, Any]
    errors: tuple[OptionError, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether no error is fatal."""
        return not any(fault.fatal for fault in self.errors)


def canonicalise(
    kind: str, written: object, qualify: Callable[[str], str], schemas: Mapping[str, Group] = SCHEMAS
) -> CanonicalOptions:
    """Convert the options of a `kind`, a key of `schemas`; `qualify` completes names of other objects."""
    reading = _OptionReader(schemas[kind], qualify)
    return CanonicalOptions(reading.options(schemas[kind], written, ()), tuple(reading.errors))


def add_defaults(
    kind: str, options: Mapping[str, Any], schemas: Mapping[str, Group] = SCHEMAS
) -> dict[str, Any]:
    """Return canonical options with the defaults of missing ones; a missing group stays missing."""
    return _add_group_defaults(schemas[kind], options)


def _add_group_defaults(group: Group, options: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(options)
    for name, part in group.options.items():
        if isinstance(part, Group):
            if name in found:
                found[name] = _add_group_defaults(part, found[name])
        elif name not in found and part.default is not None:
            default = part.default
            found[name] = list(default) if isinstance(default, tuple) else default
    return found


class _OptionReader:
    def __init__(self, schema: Group, qualify: Callable[[str], str]) -> None:
        self._guards = schema.guards
        self._qualify = qualify
        self.errors: list[OptionError] = []

    def options(self, group: Group, written: object, path: tuple[str, ...]) -> dict[str, Any]:
        """Read the options of one level, and append their errors to `errors`."""
        tree = _option_tree(group, written)
        if tree is None:
            self.errors.append(OptionError(path, None, "is not valid", "expected options below it"))
            return {}
        names = {name.lower(): name for name in group.options}
        found: dict[str, Any] = {}
        for name, value in tree.items():
            known = names.get(name.lower(), "*")
            part = group.options.get(known)
            if part is None:
                hint = did_you_mean(name, group.options)
                self.errors.append(OptionError((*path, name), None, "is unknown", hint, self._guards))
            elif value is not None:
                self._read_option(found, name if known == "*" else known, part, value, (*path, name))
        self._report_missing(group, tree, path)
        return found

    def _read_option(
        self, found: dict[str, Any], name: str, part: Option | Group, value: object, path: tuple[str, ...]
    ) -> None:
        if isinstance(part, Group):
            if not (part.may_be_bare and str(value).strip().lower() == "false"):
                found[name] = self.options(part, value, path)
            return
        try:
            read = part.read(value)
        except ValueError as error:
            shown = value if part.secrecy is Secrecy.OPEN else None
            hint = str(error) if part.secrecy is Secrecy.OPEN else str(error).partition(", not ")[0]
            self.errors.append(OptionError(path, shown, "is not valid", hint))
            return
        if part.doubt is not None and (doubt := part.doubt(read)):
            self.errors.append(OptionError(path, None, doubt.message, doubt.hint, fatal=False))
        found[name] = self._qualified(read) if part.refers else read

    def _qualified(self, names: str | list[str]) -> str | list[str]:
        return self._qualify(names) if isinstance(names, str) else [self._qualify(name) for name in names]

    def _report_missing(self, group: Group, tree: Mapping[str, object], path: tuple[str, ...]) -> None:
        given = {name.lower() for name, value in tree.items() if value is not None}
        for name, part in group.options.items():
            if isinstance(part, Option) and part.required and name.lower() not in given:
                self.errors.append(OptionError((*path, name), None, "is missing"))
        if group.one_of and not given & {name.lower() for name in group.one_of}:
            neither, choice = " nor ".join(group.one_of), " or ".join(group.one_of)
            self.errors.append(OptionError(path, None, f"has neither {neither}", f"give {choice}"))


def _option_tree(group: Group, written: object) -> Mapping[str, object] | None:
    if isinstance(written, Mapping):
        return written
    bare = written is True or (isinstance(written, str) and written.strip().lower() == "true")
    return {} if written is None or (bare and group.may_be_bare) else None
