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
from rondpoint.settings.closed import close
from rondpoint.settings.derive import clashes, derive, strangers
from rondpoint.settings.errors import SettingsError, error
from rondpoint.settings.merge import Draft, merge
from rondpoint.settings.minimum_durations import raise_to_floors
from rondpoint.settings.sources import environment, file, flags
from rondpoint.settings.tree import Settings, spelled
from rondpoint.settings.written_setting import Written

_FILE_KEY = (vocabulary.CONFIG_FILE.lower(),)
INLINE = ("backends", "frontends")
"""Keys that a settings file may have for the file provider, if it has `[file]`."""


class Loaded(Struct, frozen=True):
    """The settings, what is to be said about them, and the file that was read, if any."""

    settings: Settings
    warnings: tuple[Diagnostic, ...]
    file: Path | None


def load(argv: Sequence[str], environ: Mapping[str, str], cwd: Path, see: file.See = file.here) -> Loaded:
    """The settings that flags, environment, a file and the defaults give together.

    Flags that `rondpoint up` hands to its children (`RONDPOINT_FLAGS`) count as if they stood before
    `argv`. Without `--configFile`, files are looked for in `cwd` and in `/etc`, as `see` shows them; one that
    it does not show is left out. Raises SettingsError with everything that is wrong.
    """
    words = vocabulary.build()
    by_flag, problems = flags.read([*_handed_down(environ), *argv])
    by_variable, unknown = environment.read(environ, words)
    problems += unknown
    path, by_flag, by_variable = _choose_file(by_flag, by_variable, cwd, see)
    by_file = file.read(path) if path else []
    inline = path if any(_keys(setting) == ("file",) for setting in by_file) else None
    if inline:
        by_file = [setting for setting in by_file if _keys(setting)[0] not in INLINE]

    draft = merge([*by_file, *by_variable, *by_flag], words)
    derive(draft, environ, inline, see)
    raise_to_floors(draft)
    draft.errors += problems
    settings = _validate(draft)
    if settings is None or draft.errors:
        raise SettingsError(draft.errors, draft.warnings)
    return Loaded(settings, tuple(draft.warnings), path)


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
        place = f"environment variable {environment.FLAGS}"
        raise SettingsError([error(place, f"bad value: {reason}", "expected a JSON list of flags")])
    return handed


def _keys(setting: Written) -> tuple[str, ...]:
    return tuple(key.lower() for key in setting.path)


def _choose_file(
    by_flag: list[Written], by_variable: list[Written], cwd: Path, see: file.See
) -> tuple[Path | None, list[Written], list[Written]]:
    """The file to read, and the settings that are not about it."""
    chosen = [setting for setting in (*by_variable, *by_flag) if _keys(setting) == _FILE_KEY]
    by_flag, by_variable = (
        [setting for setting in by if setting not in chosen] for by in (by_flag, by_variable)
    )
    if not chosen:
        return file.find(cwd, see), by_flag, by_variable
    setting = chosen[-1]
    named = cwd / setting.value if isinstance(setting.value, str) else None
    path = see(named) if named is not None else None
    if named is None or (path is not None and not path.is_file()):
        value = "" if setting.value is True else f" {setting.value}"
        hint = "expected the path of a TOML or YAML file"
        raise SettingsError([error(setting.place, f"there is no file{value}", hint)])
    return path, by_flag, by_variable


def _validate(draft: Draft) -> Settings | None:
    """The tree, or None when values do not fit; findings go to the draft."""
    try:
        settings = Settings.model_validate(_nest(draft))
    except ValidationError as fault:
        draft.errors += [_finding(draft, item) for item in fault.errors(include_url=False)]
        return None
    places = {
        path[1]: setting.place
        for path, setting in draft.values.items()
        if path[0] == "entry_points" and path[2:] == ("address",) and setting.source is not None
    }
    draft.errors += clashes(settings.entry_points, places)
    draft.errors += strangers(settings, draft)
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
        place = given.place if given is not None else ".".join(map(spelled, path))
        return error(place, expected if within else str(item["msg"]))
    return error(setting.place, f"bad value {setting.value!r} for {setting.key}", expected)
