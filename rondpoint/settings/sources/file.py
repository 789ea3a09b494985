"""Settings from a TOML or YAML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rondpoint.settings.errors import SettingsError, error
from rondpoint.settings.written_setting import Source, WrittenSetting

_SUFFIXES = ("toml", "yml", "yaml")
_PLACES = (Path("/etc/rondpoint"), Path("/etc/traefik"))

PathResolver = Callable[[Path], Path | None]
"""Returns the path on this machine of a path that settings name; None where this machine has no such path."""


def same_path(path: Path) -> Path | None:
    """Return the path itself: the settings are for this machine."""
    return path


def candidate_paths(cwd: Path) -> list[Path]:
    """Where a file is looked for: ours before Traefik's, the working directory before `/etc`."""
    near = [cwd / f"{name}.{suffix}" for name in ("rondpoint", "traefik") for suffix in _SUFFIXES]
    return near + [location / f"{location.name}.{suffix}" for location in _PLACES for suffix in _SUFFIXES]


def find(cwd: Path, resolve_path: PathResolver = same_path) -> Path | None:
    """The first file that is there."""
    return next((path for path in map(resolve_path, candidate_paths(cwd)) if path is not None and path.is_file()), None)


def read(path: Path) -> list[WrittenSetting]:
    """Every table and every value of the file, tables ahead of what they hold.

    Raises SettingsError when it cannot be opened or parsed.
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
    raise SettingsError([error(str(path), "is neither TOML nor YAML", "expected .toml, .yml or .yaml")])


# The parsers are imported where they are used: a worker that is told everything by flags needs neither.
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
        raise SettingsError([error(str(path), "holds no keys", "expected key: value")])
    return content


def _flatten(content: Mapping[Any, object], above: tuple[str, ...], file: str) -> Iterator[WrittenSetting]:
    for key, value in content.items():
        path = (*above, str(key))
        location = f"{file}: {'.'.join(path)}"
        if isinstance(value, dict):
            yield WrittenSetting(path, True, location, Source.FILE)
            yield from _flatten(value, path, file)
        else:
            yield WrittenSetting(path, value, location, Source.FILE)
