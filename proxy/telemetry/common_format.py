"""The Common Log Format, plain (`genericCLF`) or with Traefik's additional fields (`common`)."""

from __future__ import annotations

from collections.abc import Sequence
from time import time
from typing import TYPE_CHECKING, cast

from proxy.telemetry.escaping import escape, escape_name, is_plain
from proxy.telemetry.log_clock import COMMON, Clock
from proxy.telemetry.logged_headers import LoggedHeaders, modes
from proxy.telemetry.protocol_versions import ENCODED_VERSIONS, VERSIONS
from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogFields, FieldMode

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import CompletedRequest

_LINE_FIELDS = (
    "ClientHost ClientUsername StartUTC RequestMethod RequestPath RequestProtocol DownstreamStatus "
    "DownstreamContentSize RequestCount RouterName ServiceURL Duration"
)

Note = tuple[bytes, bytes, float, bytes, bytes, int, int, int, bytes, int, str, str, float]

_TEXT = "utf-8", "backslashreplace"


class CommonFormat:
    """Format of one request a line: `note` keeps a request's values, `lines` formats many notes.

    `generic` leaves out the fields that Traefik adds at the end of the line.
    """

    def __init__(self, fields: AccessLogFields, *, generic: bool = False) -> None:
        self._fields = fields
        self._generic = generic
        self._clock = Clock(COMMON, local=not fields.kept("StartUTC"))
        self._no_query = fields.query_parameters.default_mode is FieldMode.DROP
        # Router names come from labels and may hold any character.
        self._names = ValueCache(_name)
        self.headers = LoggedHeaders("", *modes(fields.headers), escape, _format_headers)
        whole = all(fields.kept(name) for name in _LINE_FIELDS.split())
        self.lines = self._whole if whole and not generic and not self._no_query else self._partial

    @staticmethod
    def note(completed: CompletedRequest, request: Request, seconds: float, number: int) -> Note:
        """Return the values of the worker's request `number`, which took `seconds` until now."""
        target = completed.target
        return (
            completed.address,
            completed.username,
            time() - seconds,
            request.method,
            request.target,
            request.version,
            completed.status,
            completed.sent,
            request.headers,
            number,
            completed.tally.router or "-",
            "-" if target is None else target.url,
            seconds,
        )

    def _whole(self, notes: Sequence[Note]) -> bytes:
        """Format notes with every field kept: the usual case, which checks no setting."""
        clock, header_parts, names = self._clock, self.headers.kept, self._names
        if not is_plain([note[3] for note in notes] + [note[4] for note in notes]):
            notes = list(map(_escape_note, notes))
        lines: list[bytes] = []
        add = lines.append
        # Floats, because comparing a float with an integer takes longer.
        begun = over = 0.0
        stamp = b""
        for (
            peer, user, began, method, path, version, status, sent, headers, number, router, url, seconds
        ) in notes:  # fmt: skip
            if not begun <= began < over:
                second = int(began)
                begun, over = float(second), second + 1.0
                stamp = clock.text(second).encode()
            add(
                b'%b - %b [%b] "%b %b HTTP/%b" %d %d %b %d "%b" "%b" %dms\n'
                % (
                    peer,
                    _username(user) if user else b"-",
                    stamp,
                    method,
                    path,
                    ENCODED_VERSIONS[version],
                    status,
                    sent,
                    header_parts[headers],
                    number,
                    names[router],
                    names[url],
                    int(seconds * 1000),
                )
            )
        return b"".join(lines)

    def _partial(self, notes: Sequence[Note]) -> bytes:
        return "".join(map(self._partial_line, notes)).encode(*_TEXT)

    def _partial_line(self, note: Note) -> str:
        peer, user, began, method, target, version, status, sent, headers, number, router, url, seconds = note
        kept = self._fields.kept
        path = target.partition(b"?")[0] if self._no_query else target
        timed = kept("StartUTC") or kept("StartLocal")

        def shown(name: str, text: object) -> str:
            return str(text) if kept(name) else "-"

        line = (
            f"{shown('ClientHost', peer.decode())} - {shown('ClientUsername', _username(user).decode())} "
            f"[{self._clock.text(int(began)) if timed else '-'}] "
            f'"{shown("RequestMethod", escape(method))} {shown("RequestPath", escape(path))} '
            f'{shown("RequestProtocol", f"HTTP/{VERSIONS[version]}")}" '
            f"{shown('DownstreamStatus', status)} {shown('DownstreamContentSize', sent)} "
            f"{self.headers.kept[headers].decode()}"
        )
        if self._generic:
            return line + "\n"
        return (
            f"{line} {shown('RequestCount', number)} "
            f'"{shown("RouterName", escape_name(router))}" "{shown("ServiceURL", escape_name(url))}" '
            f"{int(seconds * 1000) if kept('Duration') else 0}ms\n"
        )


def _escape_note(note: Note) -> Note:
    """Return the note with its method and path escaped."""
    peer, user, began, method, path, *others = note
    return cast("Note", (peer, user, began, escape(method).encode(), escape(path).encode(), *others))


def _username(user: bytes) -> bytes:
    """Return the user's name as one word, since the format has no quotes around it; a hyphen for no name."""
    return escape(user).replace(" ", "\\x20").encode() or b"-"


def _name(name: str) -> bytes:
    return escape_name(name).encode(*_TEXT)


def _format_headers(headers: dict[str, str]) -> bytes:
    return f'"{headers.get("Referer", "-")}" "{headers.get("User-Agent", "-")}"'.encode()
