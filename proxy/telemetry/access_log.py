"""The access log: filters requests, formats their lines in batches and hands them to the writer.

The lines contain what clients send, so that is escaped: no client can end a line or a field. At the end of a
request the log keeps only its values (a note). It formats many notes at once, which costs much less than one
at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from proxy.http1.request import Request
from proxy.telemetry.common_format import CommonFormat
from proxy.telemetry.json_format import JsonFormat
from proxy.telemetry.log_writer import LogWriter
from rondpoint.settings import AccessLog as Options
from rondpoint.settings import AccessLogFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.telemetry.completed_request import CompletedRequest


Add = Callable[["CompletedRequest", Request, float, int], None]

NOTES_PER_BATCH = 64
"""Notes formatted at once: few enough that other requests do not notice the pause."""


class LogFormat(Protocol):
    """A format of log lines: `note` keeps a request's values, `lines` formats many notes."""

    def note(self, completed: CompletedRequest, request: Request, seconds: float, number: int) -> Any: ...

    @property
    def lines(self) -> Callable[[Sequence[Any]], bytes]: ...


def note_collector(note: Callable[..., Any], notes: list[Any], most: int, full: Callable[[], None]) -> Add:
    """Return a function that appends a note to `notes` and calls `full` when there are `most`.

    The function runs at the end of each request; a closure finds its values faster than a method.
    """
    append = notes.append

    def keep(completed: CompletedRequest, request: Request, seconds: float, number: int) -> None:
        append(note(completed, request, seconds, number))
        if len(notes) >= most:
            full()

    return keep


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
        self._keep = note_collector(log_format.note, self._notes, most, self.flush_notes)
        filtered = self._statuses or self._min_duration or self._retried
        self.add: Add = self._add_if_selected if filtered else self._keep
        """Log a completed request: the worker's request `number`, which took `seconds` until now."""

    def _add_if_selected(
        self, completed: CompletedRequest, request: Request, seconds: float, number: int
    ) -> None:
        if (
            completed.status in self._statuses
            or (self._min_duration and seconds >= self._min_duration)
            or (self._retried and completed.retries)
        ):
            self._keep(completed, request, seconds, number)

    def flush_notes(self) -> None:
        """Format all notes and pass the lines to the writer."""
        notes = self._notes[:]
        if notes:
            self._notes.clear()
            self.writer.add(self._format.lines(notes), len(notes))

    def add_malformed(self, completed: CompletedRequest, status: int, number: int) -> None:
        """Log the refusal of bytes that were not a request."""
        completed.status, completed.sent, completed.refused = status, 0, True
        self.add(completed, _MALFORMED, 0.0, number)


def _malformed() -> Request:
    request = Request()
    request.method = request.target = b"-"
    request.host = request.headers = b""
    request.version = 1
    return request


_MALFORMED = _malformed()
