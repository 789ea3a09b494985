"""The Common Log Format, plain (`genericCLF`) or with Traefik's additional fields (`common`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from proxy.telemetry.escaping import escape, escape_name, is_plain
from proxy.telemetry.line_template import (
    SLOT,
    Columns,
    ComputeColumns,
    LineTemplate,
    Piece,
    by_second,
    decimals,
)
from proxy.telemetry.log_clock import COMMON, Clock
from proxy.telemetry.logged_headers import LoggedHeaders, modes
from proxy.telemetry.protocol_versions import VERSIONS
from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogFields, FieldMode

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import Add, CompletedRequest

_NOTE = range(13)
"""A note: the positions of its values."""

(
    _PEER, _USER, _STARTED, _METHOD, _TARGET, _VERSION, _STATUS, _SENT, _HEADERS, _NUMBER, _ROUTER, _URL,
    _SECONDS,
) = _NOTE  # fmt: skip

_SIZE = len(_NOTE)
_TEXT = "utf-8", "backslashreplace"


class CommonFormat:
    """Format of one request a line. A hyphen stands for a dropped field. The texts of
    columns include what separates them from the next field: fewer texts are joined sooner.

    `generic` leaves out the fields that Traefik adds at the end of the line.
    """

    note_size = _SIZE

    def __init__(self, fields: AccessLogFields, *, generic: bool = False) -> None:
        self._clock = Clock(COMMON, local=not fields.kept("StartUTC"))
        self._no_query = fields.query_parameters.default_mode is FieldMode.DROP
        # Router names come from labels and may hold any character.
        self._names = ValueCache(_name)
        self._has_users = fields.kept("ClientUsername")
        self._has_stamps = fields.kept("StartUTC") or fields.kept("StartLocal")
        has_versions, has_statuses = fields.kept("RequestProtocol"), fields.kept("DownstreamStatus")
        self._outcomes = [
            ValueCache(_outcome_maker(f"HTTP/{version}" if has_versions else "-", has_statuses), lambda _: 0)
            for version in VERSIONS
        ]
        self._duration_texts = ValueCache(_duration, lambda _: 0)
        self.headers = LoggedHeaders("", *modes(fields.headers), escape, _format_headers)
        self.lines = LineTemplate(_SIZE, self._pieces(fields, generic)).lines

    def collector(self, notes: list[Any], most: int, full: Callable[[], None]) -> Add:
        """Return a function that appends a request's note to `notes`, and calls `full` at `most` notes."""
        extend, limit = notes.extend, most * _SIZE

        def add(
            completed: CompletedRequest, request: Request, started: float, seconds: float, number: int
        ) -> None:
            target = completed.target
            extend(
                (
                    completed.address,
                    completed.username,
                    started,
                    request.method,
                    request.target,
                    request.version,
                    completed.status,
                    completed.sent,
                    request.headers,
                    number,
                    completed.tally.router,
                    "" if target is None else target.url,
                    seconds,
                )
            )
            if len(notes) >= limit:
                full()

        return add

    def _pieces(self, fields: AccessLogFields, generic: bool) -> Iterator[Piece]:
        def field(name: str, columns: ComputeColumns, dropped: bytes) -> Piece:
            return Piece(SLOT, columns) if fields.kept(name) else Piece(dropped)

        yield field("ClientHost", _peers, b"-")
        yield Piece(SLOT, self._users_and_stamps)
        yield field("RequestMethod", _methods, b"-")
        yield Piece(b" ")
        yield field("RequestPath", self._paths, b"-")
        yield Piece(SLOT, self._protocols_and_statuses)
        yield field("DownstreamContentSize", _sizes, b"-")
        yield Piece(SLOT, self._headers)
        if generic:
            yield Piece(b"\n")
            return
        yield Piece(b" ")
        yield field("RequestCount", _counts, b"-")
        yield field("RouterName", self._named(_ROUTER), b' "-"')
        yield field("ServiceURL", self._named(_URL), b' "-"')
        yield field("Duration", self._durations, b" 0ms\n")

    def _users_and_stamps(self, notes: list[Any]) -> Columns:
        offset = time() - monotonic()
        texts = by_second(notes[_STARTED::_SIZE], lambda started: int(started + offset), self._stamp)
        users = notes[_USER::_SIZE]
        if not self._has_users or not any(users):
            return (texts,)
        # The name takes the place of the second hyphen.
        return ([b" - " + _username(user) + text[4:] for user, text in zip(users, texts, strict=True)],)

    def _stamp(self, second: int) -> bytes:
        return b' - - [%b] "' % (self._clock.text(second).encode() if self._has_stamps else b"-")

    def _paths(self, notes: list[Any]) -> Columns:
        targets = notes[_TARGET::_SIZE]
        if self._no_query:
            targets = [target.partition(b"?")[0] for target in targets]
        return (_escaped(targets),)

    def _protocols_and_statuses(self, notes: list[Any]) -> Columns:
        versions, statuses = notes[_VERSION::_SIZE], notes[_STATUS::_SIZE]
        version = versions[0]
        if versions.count(version) == len(versions):
            return (list(map(self._outcomes[version].__getitem__, statuses)),)
        return ([self._outcomes[each][status] for each, status in zip(versions, statuses, strict=True)],)

    def _headers(self, notes: list[Any]) -> Columns:
        return (list(map(self.headers.kept.__getitem__, notes[_HEADERS::_SIZE])),)

    def _named(self, position: int) -> ComputeColumns:
        name = self._names.__getitem__
        return lambda notes: (list(map(name, notes[position::_SIZE])),)

    def _durations(self, notes: list[Any]) -> Columns:
        milliseconds = [seconds * 1000 for seconds in notes[_SECONDS::_SIZE]]
        return (list(map(self._duration_texts.__getitem__, map(float.__trunc__, milliseconds))),)


def _peers(notes: list[Any]) -> Columns:
    return (notes[_PEER::_SIZE],)


def _methods(notes: list[Any]) -> Columns:
    return (_escaped(notes[_METHOD::_SIZE]),)


def _sizes(notes: list[Any]) -> Columns:
    return (decimals(notes[_SENT::_SIZE]),)


def _counts(notes: list[Any]) -> Columns:
    return (decimals(notes[_NUMBER::_SIZE]),)


def _escaped(values: list[bytes]) -> list[bytes]:
    return values if is_plain(values) else [escape(value).encode() for value in values]


def _username(user: bytes) -> bytes:
    """Return the user's name as one word, since the format has no quotes around it; a hyphen for no name."""
    return escape(user).replace(" ", "\\x20").encode() or b"-"


def _name(name: str) -> bytes:
    return b' "%b"' % (escape_name(name).encode(*_TEXT) or b"-")


def _outcome_maker(protocol: str, has_status: bool) -> Callable[[int], bytes]:
    """Return a function for the end of the request line, with this protocol, and the status."""
    return lambda status: f' {protocol}" {status if has_status else "-"} '.encode()


def _duration(milliseconds: int) -> bytes:
    return b" %dms\n" % milliseconds


def _format_headers(headers: dict[str, str]) -> bytes:
    return f' "{headers.get("Referer", "-")}" "{headers.get("User-Agent", "-")}"'.encode()
