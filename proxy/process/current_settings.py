"""The settings of this process: the master reads them, and its workers inherit them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from rondpoint.settings import Settings, SettingsError, load

log = logging.getLogger(__name__)
_current: Settings | None = None


def read_settings() -> Settings:
    """Read the settings anew, with flags from RONDPOINT_FLAGS.

    At a reload, invalid settings are logged and the current ones stay. Raises SettingsError at the first
    read.
    """
    global _current  # noqa: PLW0603 (gunicorn's configuration is the process's, and is replaced as a whole)
    try:
        loaded = load((), os.environ, Path.cwd())
    except SettingsError as error:
        if _current is None:
            raise
        log.warning("the settings are invalid and stay as they were: %s", error)
    else:
        _current = loaded.settings
    return current_settings()


def current_settings() -> Settings:
    """Return the settings that gunicorn runs with. Raises LookupError before they are read."""
    if _current is None:
        raise LookupError("gunicorn has not read its configuration yet")
    return _current
