"""The application log: one form for agent and proxy, on stderr."""

from __future__ import annotations

import logging

from rondpoint.settings import LogLevel

FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s[%(process)d]: %(message)s"
DATES = "%Y-%m-%d %H:%M:%S"

_LEVELS = {
    LogLevel.TRACE: logging.DEBUG,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARN: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.FATAL: logging.CRITICAL,
    LogLevel.PANIC: logging.CRITICAL,
}

# Their debugging tells of each request and each byte, which helps nobody here.
_TALKATIVE = ("urllib3", "docker", "watchfiles")


def configure(level: LogLevel) -> None:
    """Log everything of at least this severity."""
    logging.basicConfig(format=FORMAT, datefmt=DATES)
    logging.getLogger().setLevel(_LEVELS[level])
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)
