"""The application log: one form for agent and proxy, on stderr or in a file."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec

from rondpoint.logs.log_file import LogFile
from rondpoint.logs.rotated_files import Retention
from rondpoint.settings import Log, LogFormat, LogLevel
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
_NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "fatal",
}

# Their debugging tells of each request and each byte, which helps nobody here.
_TALKATIVE = ("urllib3", "docker", "watchfiles")

_handler: logging.Handler | None = None


class LineFormatter(logging.Formatter):
    """A line for each message, whatever names are in it; a traceback follows in lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        return printable(super().formatMessage(record))


class JsonFormatter(logging.Formatter):
    """One object a line: `level` as Traefik names it, `time` in UTC, `msg`, and of ours `logger`, `pid` and,
    where there is one, `error` with its traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "msg": record.getMessage(),
            "logger": record.name,
            "pid": record.process,
        }
        line["time"] = str(line["time"]).replace("+00:00", "Z")
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def configure(options: Log) -> None:
    """Log everything of at least this severity, in this form; what was configured before goes.

    Where the file cannot be opened the log stays on stderr, and says so.
    """
    global _handler
    root = logging.getLogger()
    if _handler is not None:
        root.removeHandler(_handler)
        _handler.close()
    _handler, fault = _opened(options)
    if options.format is LogFormat.JSON:
        _handler.setFormatter(JsonFormatter())
    else:
        _handler.setFormatter(LineFormatter(FORMAT, DATES))
    root.addHandler(_handler)
    root.setLevel(_LEVELS[options.level])
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)
    if fault is not None:
        logging.getLogger(__name__).error("log.filePath cannot be written, this goes to stderr: %s", fault)


def reopen() -> None:
    """Have the file there again, if it was moved away; who rotates logs may look for it."""
    if not isinstance(_handler, LogFile):
        return
    try:
        _handler.reopen()
    except OSError:
        logging.getLogger(__name__).exception("log.filePath cannot be opened anew")


def for_machines(options: Log) -> bool:
    """Whether everything that is said belongs in the log, lest readers of it find something else."""
    return options.format is LogFormat.JSON or options.file_path is not None


def _opened(options: Log) -> tuple[logging.Handler, OSError | None]:
    path = options.file_path
    if path is None:
        return logging.StreamHandler(sys.stderr), None
    retention = Retention(options.max_backups, options.max_age, options.compress)
    try:
        return LogFile(path, options.max_size * MEGABYTE, retention), None
    except OSError as fault:
        return logging.StreamHandler(sys.stderr), fault
