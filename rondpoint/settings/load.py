"""All sources, read, merged and checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings import vocabulary
from rondpoint.settings.unserved_guards import close_guarded_parts
from rondpoint.settings.derive import port_conflicts, derive, unknown_entry_points
from rondpoint.settings.errors import SettingsError, error
from rondpoint.settings.merge import Draft, merge
from rondpoint.settings.minimum_durations import raise_short_durations
from rondpoint.settings.sources import environment, file, flags
from rondpoint.settings.tree import Settings, setting_key
from rondpoint.settings.written_setting import WrittenSetting

_FILE_KEY = (vocabulary.CONFIG_FILE.lower(),)
INLINE_SECTIONS = ("backends", "frontends")
"""Keys that a settings file may have for the file provider, if it has `[file]`."""


class LoadedSettings(Struct, frozen=True):
    """The settings, what is to be said about them, and the file that was read, if any."""

    settings: Settings
    warnings: tuple[Diagnostic, ...]
    file: Path | None


def load(argv: Sequence[str], environ: Mapping[str, str], cwd: Path, resolve_path: file.PathResolver = file.same_path) -> LoadedSettings:
    """The settings that flags, environment, a file and the defaults give together.

    Flags that `rondpoint up` hands to its children (`RONDPOINT_FLAGS`) count as if they stood before
    `argv`. Without `--configFile`, files are looked for in `cwd` and in `/etc`, as `see` shows them; one that
    it does not show is left out. Raises SettingsError with everything that is wrong.
    """
    words = vocabulary.build_vocabulary()
    by_flag, problems = flags.read([*_handed_down(environ), *argv])
    by_variable, unknown = environment.read(environ, words)
    problems += unknown
    path, by_flag, by_variable = _choose_file(by_flag, by_variable, cwd, resolve_path)
    by_file = file.read(path) if path else []
    inline = path if any(_keys(setting) == ("file",) for setting in by_file) else None
    if inline:
        by_file = [setting for setting in by_file if _keys(setting)[0] not in INLINE_SECTIONS]

    draft = merge([*by_file, *by_variable, *by_flag], words)
    derive(draft, environ, inline, resolve_path)
    raise_short_durations(draft)
    draft.errors += problems
    settings = _validate(draft)
    if settings is None or draft.errors:
        raise SettingsError(draft.errors, draft.warnings)
    return LoadedSettings(settings, tuple(draft.warnings), path)


def _handed_down(environ: Mapping[str, str]) -> list[str]:
    given = environ.get(environment.FLAGS)
    if not given:
        return []
    try:
        handed = json.loads(given)
    except ValueError as fault:
        handed, reason = None, str(fault)
    else:
        reason = "not a list of texts"
    if not isinstance(handed, list) or not all(isinstance(flag, str) for flag in handed):
        location = f"environment variable {environment.FLAGS}"
        raise SettingsError([error(location, f"bad value: {reason}", "expected a JSON list of flags")])
    return handed


def _keys(setting: WrittenSetting) -> tuple[str, ...]:
    return tuple(key.lower() for key in setting.path)


def _choose_file(
    by_flag: list[WrittenSetting], by_variable: list[WrittenSetting], cwd: Path, resolve_path: file.PathResolver
) -> tuple[Path | None, list[WrittenSetting], list[WrittenSetting]]:
    """The file to read, and the settings that are not about it."""
    chosen = [setting for setting in (*by_variable, *by_flag) if _keys(setting) == _FILE_KEY]
    by_flag, by_variable = (
        [setting for setting in by if setting not in chosen] for by in (by_flag, by_variable)
    )
    if not chosen:
        return file.find(cwd, resolve_path), by_flag, by_variable
    setting = chosen[-1]
    named = cwd / setting.value if isinstance(setting.value, str) else None
    path = resolve_path(named) if named is not None else None
    if named is None or (path is not None and not path.is_file()):
        value = "" if setting.value is True else f" {setting.value}"
        hint = "expected the path of a TOML or YAML file"
        raise SettingsError([error(setting.location, f"there is no file{value}", hint)])
    return path, by_flag, by_variable


def _validate(draft: Draft) -> Settings | None:
    """The tree, or None when values do not fit; findings go to the draft."""
    try:
        settings = Settings.model_validate(_nest(draft))
    except ValidationError as fault:
        draft.errors += [_finding(draft, item) for item in fault.errors(include_url=False)]
        return None
    places = {
        path[1]: setting.location
        for path, setting in draft.values.items()
        if path[0] == "entry_points" and path[2:] == ("address",) and setting.source is not None
    }
    draft.errors += port_conflicts(settings.entry_points, places)
    draft.errors += unknown_entry_points(settings, draft)
    return close(settings, draft)


def _nest(draft: Draft) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in draft.sections:
        _within(tree, path)
    for path, setting in draft.values.items():
        _within(tree, path[:-1])[path[-1]] = setting.value
    return tree


def _within(tree: dict[str, Any], path: Iterable[str]) -> dict[str, Any]:
    for name in path:
        tree = tree.setdefault(name, {})
    return tree


def _finding(draft: Draft, item: Any) -> Diagnostic:
    path = tuple(str(step) for step in item["loc"])
    # Inside optional values pydantic names the alternative it tried after the path.
    setting = next(
        (draft.values[path[:end]] for end in range(len(path), 0, -1) if path[:end] in draft.values), None
    )
    fault = item.get("ctx", {}).get("error")
    expected = str(fault) if fault else f"expected: {item['msg'].lower()}"
    if setting is None:
        # A table of values is judged as a whole; what is wrong with it names the key.
        within = draft.below(path)
        given = next((each for key, each in within.items() if repr(key[-1]) in expected), None)
        location = given.location if given is not None else ".".join(map(setting_key, path))
        return error(location, expected if within else str(item["msg"]))
    return error(setting.location, f"bad value {setting.value!r} for {setting.key}", expected)
