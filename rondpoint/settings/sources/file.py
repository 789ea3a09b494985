"""Finds and reads the settings file, in TOML or YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rondpoint.settings.errors import SettingsError, error
from rondpoint.settings.written_setting import Source, WrittenSetting

_SUFFIXES = ("toml", "yml", "yaml")
_SYSTEM_DIRECTORIES = (Path("/etc/rondpoint"), Path("/etc/traefik"))

PathResolver = Callable[[Path], Path | None]
"""Maps a path in the settings to a path on this machine, or to None if this machine does not have it."""


def same_path(path: Path) -> Path | None:
    """Return the path itself: the settings are for this machine."""
    return path


def candidate_paths(cwd: Path) -> list[Path]:
    """Return the paths to search: the working directory before `/etc`, `rondpoint.*` before `traefik.*`."""
    in_cwd = [cwd / f"{name}.{suffix}" for name in ("rondpoint", "traefik") for suffix in _SUFFIXES]
    in_etc = [folder / f"{folder.name}.{suffix}" for folder in _SYSTEM_DIRECTORIES for suffix in _SUFFIXES]
    return in_cwd + in_etc


def find(cwd: Path, resolve_path: PathResolver = same_path) -> Path | None:
    """Return the first candidate path that is a file, or None."""
    paths = map(resolve_path, candidate_paths(cwd))
    return next((path for path in paths if path is not None and path.is_file()), None)


def read(path: Path) -> list[WrittenSetting]:
    """Return every table and every value of the file, each table before its contents.

    Raises SettingsError if the file cannot be opened or parsed.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not UTF-8 text"
        raise SettingsError([error(str(path), f"cannot be read: {reason}")]) from fault
    return list(_flatten(_parse(path, text), (), str(path)))


def _parse(path: Path, text: str) -> Mapping[Any, object]:
    match path.suffix.lower():
        case ".toml":
            return _parse_toml(path, text)
        case ".yml" | ".yaml":
            return _parse_yaml(path, text)
    raise SettingsError(
        [error(str(path), "is neither TOML nor YAML", "expected the suffix .toml, .yml or .yaml")]
    )


# Each parser is imported on use: a worker that gets all settings as flags needs neither.
def _parse_toml(path: Path, text: str) -> Mapping[Any, object]:
    import tomllib  # noqa: PLC0415

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise SettingsError([error(str(path), f"is not TOML: {fault}")]) from fault


def _parse_yaml(path: Path, text: str) -> Mapping[Any, object]:
    import yaml  # noqa: PLC0415

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        reason = " ".join(str(fault).split())
        raise SettingsError([error(str(path), f"is not YAML: {reason}")]) from fault
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError([error(str(path), "contains no keys", "expected key: value")])
    return content


def _flatten(content: Mapping[Any, object], parents: tuple[str, ...], file: str) -> Iterator[WrittenSetting]:
    for key, value in content.items():
        path = (*parents, str(key))
        location = f"{file}: {'.'.join(path)}"
        if isinstance(value, dict):
            yield WrittenSetting(path, True, location, Source.FILE)
            yield from _flatten(value, path, file)
        else:
            yield WrittenSetting(path, value, location, Source.FILE)
