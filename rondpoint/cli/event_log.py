"""Writes what `rondpoint up` reports to the log that programs read."""

from __future__ import annotations

import logging

from rondpoint.logs import configure

__all__ = ["configure", "log_lines"]

log = logging.getLogger("rondpoint.cli.run")


def log_lines(text: str) -> None:
    """Log each line of the text."""
    for line in text.splitlines():
        log.info("%s", line)
