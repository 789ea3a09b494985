"""The access log: filters requests, formats their lines in batches and hands them to the writer.

The lines contain what clients send, so that is escaped: no client can end a line or a field. At the end of a
request the log keeps only its values (a note). It formats many notes at once, which costs much less than one
at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from proxy.http1.request import Request
from proxy.telemetry.common_format import CommonFormat
from proxy.telemetry.json_format import JsonFormat
from proxy.telemetry.log_writer import LogWriter
from rondpoint.settings import AccessLog as Options
from rondpoint.settings import AccessLogFormat

if TYPE_CHECKING:
    from proxy.telemetry.completed_request import Add, CompletedRequest


NOTES_PER_BATCH = 512
"""Notes formatted at once.

So many that the code for each column is fetched into the caches rarely, and so few that the pause for other
requests is mostly below a millisecond.
"""


class LogFormat(Protocol):
    """A format of log lines.

    It keeps the values of each request as a note of `note_size` values. Notes follow each other in one list.
    """

    note_size: int

    def collector(self, notes: list[Any], most: int, full: Callable[[], None]) -> Add:
        """Return a function that appends a request's note to `notes`, and calls `full` at `most` notes.

        The function runs at the end of each request; a closure finds its values faster than a method.
        """

    @property
    def lines(self) -> Callable[[list[Any]], bytes]:
        """A function that formats notes, at least one."""


class AccessLog:
    """Keeps notes of completed requests and passes their lines to `writer`.

    `needs_observation` is true if a field of the format needs an observed connection; `needs_response_heads`
    is true if response headers are logged.
    """

    def __init__(self, options: Options, writer: LogWriter) -> None:
        self.writer = writer
        writer.before_write = self.flush_notes
        filters = options.filters
        self._statuses = filters.status_codes
        self._min_duration = filters.min_duration
        self._retried = filters.retry_attempts
        self.needs_observation = options.format is AccessLogFormat.JSON
        self.needs_response_heads = False
        log_format: CommonFormat | JsonFormat
        if options.format is AccessLogFormat.JSON:
            log_format = JsonFormat(options.fields)
            self.needs_response_heads = log_format.needs_response_heads
        else:
            log_format = CommonFormat(options.fields, generic=options.format is AccessLogFormat.GENERIC)
        self.headers = log_format.headers
        self._format: LogFormat = log_format
        self._notes: list[Any] = []
        most = min(NOTES_PER_BATCH, writer.batch)
        self._keep = log_format.collector(self._notes, most, self.flush_notes)
        filtered = self._statuses or self._min_duration or self._retried
        self.add: Add = self._add_if_selected if filtered else self._keep
        """Log the worker's request `number`, which took `seconds` from `started` (monotonic seconds)."""

    def _add_if_selected(
        self, completed: CompletedRequest, request: Request, started: float, seconds: float, number: int
    ) -> None:
        if (
            completed.status in self._statuses
            or (self._min_duration and seconds >= self._min_duration)
            or (self._retried and completed.retries)
        ):
            self._keep(completed, request, started, seconds, number)

    def flush_notes(self) -> None:
        """Format all notes and pass the lines to the writer."""
        notes = self._notes[:]
        if notes:
            self._notes.clear()
            # Counting line ends would take as long as a third of the formatting.
            self.writer.add(self._format.lines(notes), len(notes) // self._format.note_size)

    def add_malformed(self, completed: CompletedRequest, status: int, number: int) -> None:
        """Log the refusal of bytes that were not a request."""
        completed.status, completed.sent, completed.refused = status, 0, True
        self.add(completed, _MALFORMED, monotonic(), 0.0, number)


def _malformed() -> Request:
    request = Request()
    request.method = request.target = b"-"
    request.host = request.headers = b""
    request.version = 1
    return request


_MALFORMED = _malformed()
