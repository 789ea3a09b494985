"""The access log: which requests are in it, and where their lines go.

What a client sends stands in these lines, so it is escaped: nothing of it can end a line or a field. Of a
request that is answered, only values are noted; lines are made of several notes at once, which costs much
less than one at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from proxy.http1.request import Request
from proxy.telemetry.common_format import CommonFormat
from proxy.telemetry.escaping import escaped
from proxy.telemetry.json_format import JsonFormat
from proxy.telemetry.log_writer import LogWriter
from rondpoint.settings import AccessLog as Options
from rondpoint.settings import AccessLogFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.telemetry.completed_request import CompletedRequest

__all__ = ["AccessLog", "escaped"]

Add = Callable[["Answered", Request, float, int], None]

NOTES = 64
"""Of which lines are made at once: few enough that requests do not notice it."""


class Form(Protocol):
    """What a line says, and how."""

    def note(self, answered: CompletedRequest, request: Request, seconds: float, number: int) -> Any: ...

    @property
    def lines(self) -> Callable[[Sequence[Any]], bytes]: ...


def keeping(note: Callable[..., Any], notes: list[Any], most: int, full: Callable[[], None]) -> Add:
    """What adds to `notes`, and calls `full` when there are `most`.

    It is called at the end of each request, so it has all it needs at hand.
    """
    append = notes.append

    def keep(answered: CompletedRequest, request: Request, seconds: float, number: int) -> None:
        append(note(answered, request, seconds, number))
        if len(notes) >= most:
            full()

    return keep


class AccessLog:
    """Notes what was answered, and gives lines of it to `lines`.

    `observed` tells that it has fields for which a connection has to be observed, and `of_responses` that
    heads of responses are among them.
    """

    def __init__(self, options: Options, lines: LogWriter) -> None:
        self.lines = lines
        lines.gather = self.gather
        filters = options.filters
        self._statuses = filters.status_codes
        self._least = filters.min_duration
        self._retried = filters.retry_attempts
        self.observed = options.format is AccessLogFormat.JSON
        self.of_responses = False
        form: CommonFormat | JsonFormat
        if options.format is AccessLogFormat.JSON:
            form = JsonFormat(options.fields)
            self.of_responses = form.of_responses
        else:
            form = CommonFormat(options.fields, generic=options.format is AccessLogFormat.GENERIC)
        self.headers = form.headers
        self._form: Form = form
        self._notes: list[Any] = []
        self._keep = keeping(form.note, self._notes, min(NOTES, lines.batch), self.gather)
        chosen = self._statuses or self._least or self._retried
        self.add: Add = self._choose if chosen else self._keep
        """Logs the answer to the worker's request of a number, which took so many seconds until now."""

    def _choose(self, answered: CompletedRequest, request: Request, seconds: float, number: int) -> None:
        if (
            answered.status in self._statuses
            or (self._least and seconds >= self._least)
            or (self._retried and answered.retries)
        ):
            self._keep(answered, request, seconds, number)

    def gather(self) -> None:
        """Make lines of what is noted."""
        notes = self._notes[:]
        if notes:
            self._notes.clear()
            self.lines.add(self._form.lines(notes), len(notes))

    def add_malformed(self, answered: CompletedRequest, status: int, number: int) -> None:
        """Log a refusal of what was no request."""
        answered.status, answered.sent, answered.refused = status, 0, True
        self.add(answered, _MALFORMED, 0.0, number)


def _malformed() -> Request:
    request = Request()
    request.method = request.target = b"-"
    request.host = request.headers = b""
    request.version = 1
    return request


_MALFORMED = _malformed()
