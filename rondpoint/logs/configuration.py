"""Configures the application log of agent and proxy: its format, its level, and stderr or a file."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec

from rondpoint.logs.log_file import LogFile
from rondpoint.logs.options import LogFormat, LogLevel, LogOptions
from rondpoint.logs.rotated_files import Retention
from rondpoint.terminal_text import printable

FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s[%(process)d]: %(message)s"
DATES = "%Y-%m-%d %H:%M:%S"

MEGABYTE = 1 << 20

_LEVELS = {
    LogLevel.TRACE: logging.DEBUG,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARN: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.FATAL: logging.CRITICAL,
    LogLevel.PANIC: logging.CRITICAL,
}
_TRAEFIK_LEVELS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "fatal",
}

# At debug level these libraries log each request and each byte, which does not help here; some requests of
# dns-lexicon hold secrets.
_VERBOSE_LIBRARIES = ("urllib3", "docker", "lexicon")

_handler: logging.Handler | None = None


class LineFormatter(logging.Formatter):
    """Formats a message as one line, whatever names are in it; a traceback follows on further lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        return printable(super().formatMessage(record))


class JsonFormatter(logging.Formatter):
    """Formats a message as one JSON object on a line.

    Its fields are Traefik's `level`, `time` (in UTC) and `msg`, and our own `logger`, `pid` and, for an
    exception, `error` with the traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "level": _TRAEFIK_LEVELS.get(record.levelno, record.levelname.lower()),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "msg": record.getMessage(),
            "logger": record.name,
            "pid": record.process,
        }
        line["time"] = str(line["time"]).replace("+00:00", "Z")
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def configure(options: LogOptions) -> None:
    """Configure the level, format and destination of the log, in place of the previous ones.

    If the file cannot be opened, the log goes to stderr and reports that.
    """
    global _handler
    root = logging.getLogger()
    if _handler is not None:
        root.removeHandler(_handler)
        _handler.close()
    _handler, fault = _open_handler(options)
    if options.format is LogFormat.JSON:
        _handler.setFormatter(JsonFormatter())
    else:
        _handler.setFormatter(LineFormatter(FORMAT, DATES))
    root.addHandler(_handler)
    root.setLevel(_LEVELS[options.level])
    for library in _VERBOSE_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    if fault is not None:
        logging.getLogger(__name__).error(
            "log.filePath cannot be written, so the log goes to stderr: %s", fault
        )


def reopen() -> None:
    """Create the file again if it was moved away, because log rotation tools may expect it."""
    if not isinstance(_handler, LogFile):
        return
    try:
        _handler.reopen()
    except OSError:
        logging.getLogger(__name__).exception("log.filePath cannot be opened again")


def is_machine_readable(options: LogOptions) -> bool:
    """Return whether programs may read the log, so that all output must go to it in its format."""
    return options.format is LogFormat.JSON or options.file_path is not None


def _open_handler(options: LogOptions) -> tuple[logging.Handler, OSError | None]:
    path = options.file_path
    if path is None:
        return logging.StreamHandler(sys.stderr), None
    retention = Retention(options.max_backups, options.max_age, options.compress)
    try:
        return LogFile(path, options.max_size * MEGABYTE, retention), None
    except OSError as fault:
        return logging.StreamHandler(sys.stderr), fault
