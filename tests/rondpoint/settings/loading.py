"""Loads settings from a temporary directory, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings import LoadedSettings, SettingsError, load


def load_settings(
    cwd: Path,
    flags: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    **files: str,
) -> LoadedSettings:
    """Write the files (`traefik_toml="…"`) to `cwd` and load settings from them, flags and environment."""
    for name, content in files.items():
        (cwd / name.replace("_", ".")).write_text(content)
    return load(flags, environ or {}, cwd)


def load_errors(
    cwd: Path,
    flags: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    **files: str,
) -> tuple[Diagnostic, ...]:
    """Load settings that cannot be used and return the errors."""
    with pytest.raises(SettingsError) as raised:
        load_settings(cwd, flags, environ, **files)
    return raised.value.diagnostics
