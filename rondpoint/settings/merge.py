"""From what the sources say to one value a key: keys understood, sources ranked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.closed_parts import ClosedPart
from rondpoint.settings.errors import error, warning
from rondpoint.settings.sources.environment import variable_name
from rondpoint.settings.tree import ADMIN
from rondpoint.settings.unserved import UnservedOption
from rondpoint.settings.values import parse_switch
from rondpoint.settings.vocabulary import ANY, UnknownKey, KnownKey, join_table_key, look_up
from rondpoint.settings.written_setting import Source, WrittenSetting

SettingPath = tuple[str, ...]
"""A place in the tree by attribute names: `("providers", "docker", "use_bind_port_ip")`."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and the place to name when it turns out to be wrong."""

    value: object
    location: str
    key: str
    source: Source | None = None


@dataclass(slots=True)
class Draft:
    """Settings on their way to a tree: values by path, sections that are there, findings so far.

    `guards` are options that are not served and guard something, each with what it closes.
    """

    values: dict[SettingPath, Setting] = field(default_factory=dict)
    sections: dict[SettingPath, Setting] = field(default_factory=dict)
    guards: list[tuple[UnservedOption, ClosedPart]] = field(default_factory=list)
    provider_named: bool = False
    errors: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)

    def below(self, path: SettingPath) -> dict[SettingPath, Setting]:
        """The values of a section, by their whole paths."""
        return {key: value for key, value in self.values.items() if key[: len(path)] == path}

    def has(self, path: SettingPath) -> bool:
        """Whether a section is named, be it by one of its keys."""
        return path in self.sections or any(key[: len(path)] == path for key in self.values)


def merge(written: Iterable[WrittenSetting], vocabulary: KnownKey) -> Draft:
    """One draft of settings given in order of strength, the strongest last."""
    settings = list(written)
    reader = _Reader(vocabulary, _entry_point_names(settings))
    for setting in settings:
        reader.read(setting, setting.path, setting.value, translate=True)
    _switch_off(reader.draft)
    return reader.draft


class _Reader:
    def __init__(self, vocabulary: KnownKey, names: dict[str, str]) -> None:
        self.draft = Draft()
        self._vocabulary = vocabulary
        self._names = names
        self._reported: set[tuple[Source, str]] = set()

    def read(self, written: WrittenSetting, keys: SettingPath, value: object, *, translate: bool) -> None:
        keys = join_table_key(self._vocabulary, keys)
        found = look_up(self._vocabulary, keys, lambda key: spell_key(key, written.source))
        if isinstance(found, UnknownKey):
            self._unknown(written, keys, found)
            return
        word = found[-1]
        if word.unserved:
            self._unserved(written, keys[: len(found)], word.unserved, value)
        elif word.translation and translate:
            self._translate(written, word, value)
        elif word.children and not word.attribute:
            if value not in (True, None):
                self._no_section(written, value)
        elif not word.attribute:
            hint = "give it as a flag or in the environment"
            self.draft.errors.append(error(written.location, f"{word.key} has no place in a file", hint))
        else:
            self._settle(written, keys, found, value)

    def _unknown(self, written: WrittenSetting, keys: SettingPath, unknown: UnknownKey) -> None:
        # A table that means nothing is reported once, not again for each of its keys.
        wrong = ".".join(keys[: unknown.depth + 1])
        if self._first(written, wrong):
            location = written.location.removesuffix("." + ".".join(keys[unknown.depth + 1 :]))
            self.draft.errors.append(error(location, f"unknown key {wrong}", unknown.hint))

    def _unserved(self, written: WrittenSetting, keys: SettingPath, option: UnservedOption, value: object) -> None:
        # What else means false, Traefik's parser knows by the option's type; to take it for a guard is safe.
        off = str(value).lower() in (("false", "f", "0") if option.guards_if_false else ("false",))
        if off and not option.guards_if_false:
            return
        self.draft.provider_named |= option.provider
        key = ".".join(keys)
        location = written.location.removesuffix("." + ".".join(written.path[len(keys) :]))
        guards = option.closed_part and value not in ("", []) and off is option.guards_if_false
        if not guards:
            if self._first(written, key):
                self.draft.warnings.append(warning(location, f"{key} {option.reason}"))
        elif not self._first(written, f"guard {key}"):
            return
        elif "*" not in option.closed_part:
            self.draft.guards.append((option, ClosedPart(option.closed_part, key, location, option.mend)))
        elif name := self._entry_point(keys[1], location):
            # Misspelt, it would guard nothing: an entry point of this name has to be there.
            self.draft.sections.setdefault(
                ("entry_points", name), Setting(True, location, written.dotted_key, written.source)
            )
            part, mend = (text.replace("*", name) for text in (option.closed_part, option.mend))
            self.draft.guards.append((option, ClosedPart(part, key, location, mend)))

    def _entry_point(self, key: str, location: str) -> str:
        """An entry point's name as its author spells it; empty, and said so, for what is none."""
        if _NAME.fullmatch(key):
            return self._names.get(key.lower(), key)
        hint = "names are letters, digits, - and _"
        self.draft.errors.append(error(location, f"bad name {key!r} of an entry point", hint))
        return ""

    def _no_section(self, written: WrittenSetting, value: object) -> None:
        hint = f"{spell_key(written.dotted_key + '.KEY', written.source)} sets one of its keys"
        self.draft.errors.append(error(written.location, f"{written.dotted_key} is a section, not {value!r}", hint))

    def _first(self, written: WrittenSetting, key: str) -> bool:
        token = (written.source, key.lower())
        if token in self._reported:
            return False
        self._reported.add(token)
        return True

    def _translate(self, written: WrittenSetting, word: KnownKey, value: object) -> None:
        assert word.translation is not None  # noqa: S101 - the caller has looked
        try:
            translated = word.translation(value)
        except ValueError as fault:
            self.draft.errors.append(
                error(written.location, f"bad value {value!r} for {written.dotted_key}", str(fault))
            )
            return
        for target, meant in translated:
            self.read(written, tuple(target.split(".")), meant, translate=False)

    def _settle(self, written: WrittenSetting, keys: SettingPath, words: tuple[KnownKey, ...], value: object) -> None:
        word, location = words[-1], written.location
        path: list[str] = []
        for key, step in zip(keys, words, strict=True):
            if step.attribute != ANY:
                path.append(step.attribute)
            elif not step.section:
                path.append(key)
            elif key == ANY != written.path[min(1, len(written.path) - 1)]:
                path.append(ANY)
            elif name := self._entry_point(key, location):
                path.append(name)
            else:
                return
        setting = Setting(value, location, written.dotted_key, written.source)
        if not word.section:
            if value is not None:
                self.draft.values[tuple(path)] = setting
            return
        try:
            on = value is None or parse_switch(value)
        except ValueError:
            self._no_section(written, value)
            return
        if not on and not word.optional:
            self.draft.errors.append(error(location, f"{written.dotted_key} cannot be switched off"))
            return
        self.draft.sections[tuple(path)] = Setting(on, location, written.dotted_key, written.source)


def spell_key(key: str, source: Source) -> str:
    """A dotted key as a source spells it."""
    if source is Source.FLAG:
        return f"--{key}"
    return variable_name(tuple(key.split("."))) if source is Source.ENVIRONMENT else key


def _entry_point_names(settings: Iterable[WrittenSetting]) -> dict[str, str]:
    """How entry points are spelled, by name in lower case; a variable's name has no case to go by."""
    names = {ADMIN: ADMIN}
    for setting in settings:
        if len(setting.path) > 1 and setting.path[0].lower() == "entrypoints":
            name = setting.path[1]
            if setting.source is not Source.ENVIRONMENT:
                names.setdefault(name.lower(), name)
    return names


def _switch_off(draft: Draft) -> None:
    """`--providers.docker=false` takes away what weaker sources, or its own, say of that section."""
    for path, switch in list(draft.sections.items()):
        if switch.value or switch.source is None:
            continue
        del draft.sections[path]
        for key, setting in draft.below(path).items():
            if setting.source is None or setting.source <= switch.source:
                del draft.values[key]
