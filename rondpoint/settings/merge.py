"""Merges the settings of all sources to one value for each key; a stronger source wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.closed_parts import ClosedPart
from rondpoint.settings.errors import error, note, warning
from rondpoint.settings.sources.environment import variable_name
from rondpoint.settings.tree import ADMIN
from rondpoint.settings.unserved_options import UnservedOption
from rondpoint.settings.values import parse_switch
from rondpoint.settings.vocabulary import ANY, KnownKey, UnknownKey, join_table_key, look_up
from rondpoint.settings.written_setting import Source, WrittenSetting

SettingPath = tuple[str, ...]
"""The path of a setting in the tree, as attribute names: `("providers", "docker", "use_bind_port_ip")`."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_NAMED = {"entrypoints": "an entry point", "certificatesresolvers": "a certificates resolver"}
"""The sections whose keys are names that the user chooses, and what they name."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, with the location and the key that an error message names; no source for a default."""

    value: object
    location: str
    key: str
    source: Source | None = None


@dataclass(slots=True)
class Draft:
    """The merged settings before validation: values by path, named sections, and diagnostics.

    `unserved_guards` are the options that are not served and protect something, each with the part to
    close. `provider_named`: a provider that is not served is named, so Docker is not switched on by
    default.
    """

    values: dict[SettingPath, Setting] = field(default_factory=dict)
    sections: dict[SettingPath, Setting] = field(default_factory=dict)
    unserved_guards: list[tuple[UnservedOption, ClosedPart]] = field(default_factory=list)
    provider_named: bool = False
    errors: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)

    def below(self, path: SettingPath) -> dict[SettingPath, Setting]:
        """Return the values of a section, by full path."""
        return {key: value for key, value in self.values.items() if key[: len(path)] == path}

    def has(self, path: SettingPath) -> bool:
        """Return whether the section or one of its keys is set."""
        return path in self.sections or any(key[: len(path)] == path for key in self.values)


def merge(written_settings: Iterable[WrittenSetting], vocabulary: KnownKey) -> Draft:
    """Merge settings to a draft; of two for the same key, the later one wins."""
    settings = list(written_settings)
    tables = frozenset(setting.path[:-1] for setting in settings if setting.source is Source.FILE)
    reader = _Reader(vocabulary, _user_chosen_names(settings), tables)
    for setting in settings:
        reader.read(setting, setting.path, setting.value, translate=True)
    _switch_off(reader.draft)
    return reader.draft


class _Reader:
    """Reads one written setting after the other into a draft."""

    def __init__(
        self, vocabulary: KnownKey, names: dict[tuple[str, str], str], tables: frozenset[SettingPath]
    ) -> None:
        self.draft = Draft()
        self._vocabulary = vocabulary
        self._names = names
        self._tables = tables
        self._reported: set[tuple[Source, str]] = set()

    def read(self, written: WrittenSetting, keys: SettingPath, value: object, *, translate: bool) -> None:
        keys = join_table_key(self._vocabulary, keys)
        found = look_up(self._vocabulary, keys, lambda key: spell_key(key, written.source))
        if isinstance(found, UnknownKey):
            self._report_unknown(written, keys, found)
            return
        last = found[-1]
        if last.unserved:
            self._read_unserved(written, keys[: len(found)], last.unserved, value)
        elif last.translation and translate:
            self._translate(written, last, value)
        elif last.children and not last.attribute:
            if value not in (True, None):
                self._report_section_value(written, value)
        elif not last.attribute:
            hint = "set it as a flag or in the environment"
            self.draft.errors.append(error(written.location, f"{last.key} cannot be set in a file", hint))
        else:
            self._store(written, keys, found, value)

    def _report_unknown(self, written: WrittenSetting, keys: SettingPath, unknown: UnknownKey) -> None:
        # An unknown table is reported once, not again for each of its keys.
        wrong = ".".join(keys[: unknown.depth + 1])
        if self._is_first_report(written, wrong):
            location = written.location.removesuffix("." + ".".join(keys[unknown.depth + 1 :]))
            self.draft.errors.append(error(location, f"unknown key {wrong}", unknown.hint))

    def _read_unserved(
        self, written: WrittenSetting, keys: SettingPath, option: UnservedOption, value: object
    ) -> None:
        # Other spellings of false depend on the option's type in Traefik. To treat them as a guard is safe.
        has_effect_alone = option.closed_part or option.is_provider
        # Otherwise the options of a table are reported, not the table.
        if str(value).lower() == "false" or (written.path in self._tables and not has_effect_alone):
            return
        self.draft.provider_named |= option.is_provider
        key = ".".join(keys)
        location = written.location.removesuffix("." + ".".join(written.path[len(keys) :]))
        self._switch_tls_on(written, keys)
        guards = option.closed_part and value not in ("", [])
        if not guards:
            if self._is_first_report(written, key):
                report = note if option.is_harmless else warning
                self.draft.warnings.append(report(location, f"{key} {option.reason}"))
        elif not self._is_first_report(written, f"guard {key}"):
            return
        elif "*" not in option.closed_part:
            self.draft.unserved_guards.append(
                (option, ClosedPart(option.closed_part, key, location, option.hint))
            )
        elif name := self._user_chosen_name("entrypoints", keys[1], location):
            # A misspelt name would protect nothing, so the entry point must exist: this section needs an
            # address.
            self.draft.sections.setdefault(
                ("entry_points", name), Setting(True, location, written.dotted_key, written.source)
            )
            part, hint = (text.replace("*", name) for text in (option.closed_part, option.hint))
            self.draft.unserved_guards.append((option, ClosedPart(part, key, location, hint)))

    def _switch_tls_on(self, written: WrittenSetting, keys: SettingPath) -> None:
        """Switch TLS on if this is one of the TLS options of an entry point, like a served one does."""
        section = tuple(key.lower() for key in keys[:-1])
        for inner in (("tls",), ("http", "tls")):
            if section[:1] == ("entrypoints",) and section[2 : 2 + len(inner)] == inner:
                name = self._user_chosen_name("entrypoints", keys[1], written.location)
                setting = Setting(True, written.location, written.dotted_key, written.source)
                if name:
                    self.draft.sections["entry_points", name, *inner] = setting

    def _user_chosen_name(self, section: str, key: str, location: str) -> str:
        """Return a name in the user's spelling, such as that of an entry point; report an invalid one."""
        if _NAME.fullmatch(key):
            return self._names.get((section, key.lower()), key)
        hint = "expected letters, digits, - and _"
        self.draft.errors.append(error(location, f"bad name {key!r} for {_NAMED[section]}", hint))
        return ""

    def _report_section_value(self, written: WrittenSetting, value: object) -> None:
        hint = f"set one of its keys: {spell_key(written.dotted_key + '.KEY', written.source)}"
        self.draft.errors.append(
            error(written.location, f"{written.dotted_key} is a section, not {value!r}", hint)
        )

    def _is_first_report(self, written: WrittenSetting, key: str) -> bool:
        token = (written.source, key.lower())
        if token in self._reported:
            return False
        self._reported.add(token)
        return True

    def _translate(self, written: WrittenSetting, known_key: KnownKey, value: object) -> None:
        assert known_key.translation is not None  # noqa: S101 - the caller has checked
        try:
            translated = known_key.translation(value)
        except ValueError as fault:
            self.draft.errors.append(
                error(written.location, f"bad value {value!r} for {written.dotted_key}", str(fault))
            )
            return
        for target, new_value in translated:
            self.read(written, tuple(target.split(".")), new_value, translate=False)

    def _store(
        self, written: WrittenSetting, keys: SettingPath, known_keys: tuple[KnownKey, ...], value: object
    ) -> None:
        last, location = known_keys[-1], written.location
        path: list[str] = []
        for key, known_key in zip(keys, known_keys, strict=True):
            if known_key.attribute != ANY:
                path.append(known_key.attribute)
            elif not known_key.section:
                path.append(key)
            elif key == ANY != written.path[min(1, len(written.path) - 1)]:
                path.append(ANY)
            elif name := self._user_chosen_name(keys[0].lower(), key, location):
                path.append(name)
            else:
                return
        setting = Setting(value, location, written.dotted_key, written.source)
        if not last.section:
            if value is not None:
                self.draft.values[tuple(path)] = setting
            return
        try:
            on = value is None or parse_switch(value)
        except ValueError:
            self._report_section_value(written, value)
            return
        if not on and not last.optional:
            self.draft.errors.append(
                error(
                    location,
                    f"{written.dotted_key} cannot be switched off",
                    "remove it, or set one of its keys",
                )
            )
            return
        self.draft.sections[tuple(path)] = Setting(on, location, written.dotted_key, written.source)


def spell_key(key: str, source: Source) -> str:
    """Return a dotted key as a source spells it: `--key`, `RONDPOINT_KEY` or `key`."""
    if source is Source.FLAG:
        return f"--{key}"
    return variable_name(tuple(key.split("."))) if source is Source.ENVIRONMENT else key


def _user_chosen_names(settings: Iterable[WrittenSetting]) -> dict[tuple[str, str], str]:
    """Return names as flags and files spell them, by section and name in lower case."""
    names = {("entrypoints", ADMIN): ADMIN}
    for setting in settings:
        if len(setting.path) > 1 and (section := setting.path[0].lower()) in _NAMED:
            name = setting.path[1]
            if setting.source is not Source.ENVIRONMENT:
                names.setdefault((section, name.lower()), name)
    return names


def _switch_off(draft: Draft) -> None:
    """Remove sections that are switched off, with their values of the same source or a weaker one.

    An example is `--providers.docker=false`.
    """
    for path, switch in list(draft.sections.items()):
        if switch.value or switch.source is None:
            continue
        del draft.sections[path]
        for key, setting in draft.below(path).items():
            if setting.source is None or setting.source <= switch.source:
                del draft.values[key]
