"""Loading settings from a directory of the test's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings import LoadedSettings, SettingsError, load


def loaded(
    cwd: Path,
    flags: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    **files: str,
) -> LoadedSettings:
    """What flags, environment and files (`traefik_toml="…"`) in `cwd` give."""
    for name, content in files.items():
        (cwd / name.replace("_", ".")).write_text(content)
    return load(flags, environ or {}, cwd)


def refused(
    cwd: Path,
    flags: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    **files: str,
) -> tuple[Diagnostic, ...]:
    """What is found wrong with them."""
    with pytest.raises(SettingsError) as refusal:
        loaded(cwd, flags, environ, **files)
    return refusal.value.diagnostics
