"""Loads the settings: reads all sources, merges them, adds defaults and validates the result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings import vocabulary
from rondpoint.settings.derive import derive, port_conflicts, unknown_entry_points
from rondpoint.settings.errors import SettingsError, error, warning
from rondpoint.settings.list_items import join_items
from rondpoint.settings.merge import Draft, merge
from rondpoint.settings.minimum_durations import raise_short_durations
from rondpoint.settings.resolver_checks import resolver_faults, unusable_time_limits
from rondpoint.settings.sources import environment, file, flags
from rondpoint.settings.tree import Settings, setting_key
from rondpoint.settings.tree.section import Fault, SectionError, read_section
from rondpoint.settings.udp_entry_points import udp_guards, udp_options_without_effect
from rondpoint.settings.unserved_guards import close_guarded_parts
from rondpoint.settings.written_setting import WrittenSetting

_CONFIG_FILE_KEY = (vocabulary.CONFIG_FILE.lower(),)
INLINE_SECTIONS = ("backends", "frontends")
"""Sections with routes that a settings file may have for the file provider, if it has `[file]`."""


class LoadedSettings(Struct, frozen=True):
    """The settings, the warnings about them, and the path of the file that was read, if any."""

    settings: Settings
    warnings: tuple[Diagnostic, ...]
    file: Path | None


def load(
    argv: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path,
    resolve_path: file.PathResolver = file.same_path,
) -> LoadedSettings:
    """Load the settings from flags, environment variables, a file and defaults.

    Flags that `rondpoint up` passes to its children (`RONDPOINT_FLAGS`) come before `argv`. Without
    `--configFile`, the file is searched in `cwd` and in `/etc`. `resolve_path` gives the path on this
    machine for each of these paths; a path without one is skipped. Raises SettingsError with all errors.
    """
    known_keys = vocabulary.build_vocabulary()
    by_flag, problems = flags.read([*_passed_flags(environ), *argv])
    by_variable, unknown_variables = environment.read(environ, known_keys)
    problems += unknown_variables
    path, by_flag, by_variable = _choose_file(by_flag, by_variable, cwd, resolve_path)
    by_file = file.read(path) if path else []
    of_traefik, unknown_variables = environment.read(environ, known_keys, environment.TRAEFIK_PREFIX)
    ignored = of_traefik if path or by_flag else []
    if not (path or by_flag):
        by_variable = [*of_traefik, *by_variable]
        problems += unknown_variables
    inline = path if any(_lower_path(setting) == ("file",) for setting in by_file) else None
    if inline:
        by_file = [setting for setting in by_file if _lower_path(setting)[0] not in INLINE_SECTIONS]

    draft = merge(join_items([*by_file, *by_variable, *by_flag], known_keys), known_keys)
    derive(draft, environ, inline, resolve_path)
    raise_short_durations(draft)
    draft.errors += problems
    draft.warnings += [_ignored_variable(setting, path) for setting in ignored]
    settings = _validate(draft)
    if settings is None or draft.errors:
        raise SettingsError(draft.errors, draft.warnings)
    return LoadedSettings(settings, tuple(draft.warnings), path)


def _ignored_variable(setting: WrittenSetting, file_path: Path | None) -> Diagnostic:
    name = setting.location.rpartition(" ")[2]
    ours = environment.PREFIX + name[len(environment.TRAEFIK_PREFIX) :]
    source = "are flags" if file_path is None else f"is {file_path}"
    message = f"{name} has no effect, as in Traefik, because there {source}"
    return warning(setting.location, message, f"to use it, rename it to {ours}")


def _passed_flags(environ: Mapping[str, str]) -> list[str]:
    """Return the flags in `RONDPOINT_FLAGS`. Raises SettingsError."""
    text = environ.get(environment.FLAGS)
    if not text:
        return []
    try:
        passed = json.loads(text)
    except ValueError as fault:
        passed, reason = None, str(fault)
    else:
        reason = "not a list of strings"
    if not isinstance(passed, list) or not all(isinstance(flag, str) for flag in passed):
        location = f"environment variable {environment.FLAGS}"
        raise SettingsError([error(location, f"bad value: {reason}", "expected a JSON list of flags")])
    return passed


def _lower_path(setting: WrittenSetting) -> tuple[str, ...]:
    return tuple(key.lower() for key in setting.path)


def _choose_file(
    by_flag: list[WrittenSetting],
    by_variable: list[WrittenSetting],
    cwd: Path,
    resolve_path: file.PathResolver,
) -> tuple[Path | None, list[WrittenSetting], list[WrittenSetting]]:
    """Return the file to read, and the settings without `configFile`. Raises SettingsError."""
    chosen = [setting for setting in (*by_variable, *by_flag) if _lower_path(setting) == _CONFIG_FILE_KEY]
    by_flag, by_variable = (
        [setting for setting in settings if setting not in chosen] for settings in (by_flag, by_variable)
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
    """Return the settings tree, or None if values are invalid; add diagnostics to the draft."""
    try:
        settings = read_section(Settings, _nest(draft))
    except SectionError as invalid:
        draft.errors += [_make_diagnostic(draft, fault) for fault in invalid.faults]
        return None
    locations = {
        path[1]: setting.location
        for path, setting in draft.values.items()
        if path[0] == "entry_points" and path[2:] == ("address",) and setting.source is not None
    }
    draft.errors += port_conflicts(settings.entry_points, locations)
    draft.errors += unknown_entry_points(settings, draft)
    draft.errors += udp_guards(settings, draft)
    draft.warnings += udp_options_without_effect(settings, draft)
    draft.errors += unusable_time_limits(settings, draft)
    draft.warnings += resolver_faults(settings, draft)
    return close_guarded_parts(settings, draft)


def _nest(draft: Draft) -> dict[str, Any]:
    """Return the draft as nested dictionaries."""
    tree: dict[str, Any] = {}
    for path in draft.sections:
        _subtree(tree, path)
    for path, setting in draft.values.items():
        _subtree(tree, path[:-1])[path[-1]] = setting.value
    return tree


def _subtree(tree: dict[str, Any], path: Iterable[str]) -> dict[str, Any]:
    for name in path:
        tree = tree.setdefault(name, {})
    return tree


def _make_diagnostic(draft: Draft, fault: Fault) -> Diagnostic:
    """Turn a fault of the tree into a diagnostic with the location of its setting."""
    path = fault.path
    setting = draft.values.get(path)
    if setting is not None:
        return error(setting.location, f"bad value {setting.value!r} for {setting.key}", fault.reason)
    # A table of values is read as a whole; the reason names the key.
    values = draft.below(path)
    invalid = next((each for key, each in values.items() if repr(key[-1]) in fault.reason), None)
    location = invalid.location if invalid is not None else ".".join(map(setting_key, path))
    return error(location, fault.reason)
