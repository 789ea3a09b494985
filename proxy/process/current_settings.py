"""The settings that this process runs with; read by the master, and inherited by its workers."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from rondpoint.settings import Settings, SettingsError, load

log = logging.getLogger(__name__)
_current: Settings | None = None


def read_settings() -> Settings:
    """Read them anew; flags come by RONDPOINT_FLAGS.

    At a reload, settings that cannot be used are reported and the present ones stay. Raises SettingsError at
    the first reading.
    """
    global _current  # noqa: PLW0603 (gunicorn's configuration is the process's, and is replaced as a whole)
    try:
        loaded = load((), os.environ, Path.cwd())
    except SettingsError as error:
        if _current is None:
            raise
        log.warning("the settings stay as they are: %s", error)
    else:
        _current = loaded.settings
    return current_settings()


def current_settings() -> Settings:
    """The settings that gunicorn runs with; workers inherit them. LookupError before they were read."""
    if _current is None:
        raise LookupError("gunicorn has not read its configuration yet")
    return _current


def grace_seconds(settings: Settings) -> float:
    """Seconds that a worker has to finish in."""
    return max(point.transport.life_cycle.grace_time_out for point in settings.entry_points.values())
