"""The Common Log Format as Traefik extends it, and without what it adds."""

from __future__ import annotations

from collections.abc import Sequence
from time import time
from typing import TYPE_CHECKING

from proxy.telemetry.clock import COMMON, Clock
from proxy.telemetry.escaping import all_escaped, escaped, escaped_name
from proxy.telemetry.logged_headers import LoggedHeaders, modes
from proxy.telemetry.remembered import Remembered
from rondpoint.settings import AccessLogFields, Mode

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.answered import Answered

_IN_A_LINE = (
    "ClientHost ClientUsername StartUTC RequestMethod RequestPath RequestProtocol DownstreamStatus "
    "DownstreamContentSize RequestCount RouterName ServiceURL Duration"
)

Note = tuple[str, float, bytes, bytes, int, int, int, bytes, int, str, str, float]


class CommonFormat:
    """`note` keeps what the line of a request has to say, and `lines` says it of many.

    `generic` leaves out what Traefik adds at its end.
    """

    def __init__(self, fields: AccessLogFields, *, generic: bool = False) -> None:
        self._fields = fields
        self._generic = generic
        self._clock = Clock(COMMON, local=not fields.kept("StartUTC"))
        self._no_query = fields.query_parameters.default_mode is Mode.DROP
        self._methods = Remembered(escaped)
        # Labels may name a router as they like.
        self._names = Remembered(escaped_name)
        self.headers = LoggedHeaders("", *modes(fields.headers), escaped, _of_headers)
        whole = all(fields.kept(name) for name in _IN_A_LINE.split())
        self.lines = self._whole if whole and not generic and not self._no_query else self._partial

    @staticmethod
    def note(answered: Answered, request: Request, seconds: float, number: int) -> Note:
        """At the end of the request `number`, which took `seconds`."""
        target = answered.target
        return (
            answered.peer,
            time() - seconds,
            request.method,
            request.target,
            request.version,
            answered.status,
            answered.sent,
            request.headers,
            number,
            answered.tally.router or "-",
            "-" if target is None else target.url,
            seconds,
        )

    def _whole(self, notes: Sequence[Note]) -> str:
        """Every field kept: the path of most logs, with no look at any setting."""
        clock, methods, of_headers = self._clock, self._methods, self.headers.kept
        names = self._names
        paths = all_escaped([note[3] for note in notes], escaped)
        lines = []
        begun, over = 1.0, 0.0
        stamp = ""
        for note, path in zip(notes, paths, strict=True):
            peer, began, method, _, version, status, sent, headers, number, router, url, seconds = note
            if not begun <= began < over:
                begun = int(began)
                over = begun + 1
                stamp = clock.text(begun)
            lines.append(
                f'{peer} - - [{stamp}] "{methods[method]} {path} HTTP/1.{version}" {status} {sent} '
                f'{of_headers[headers]} {number} "{names[router]}" "{names[url]}" {int(seconds * 1000)}ms\n'
            )
        return "".join(lines)

    def _partial(self, notes: Sequence[Note]) -> str:
        return "".join(map(self._part, notes))

    def _part(self, note: Note) -> str:
        peer, began, method, target, version, status, sent, headers, number, router, url, seconds = note
        kept = self._fields.kept
        path = target.partition(b"?")[0] if self._no_query else target
        timed = kept("StartUTC") or kept("StartLocal")

        def shown(name: str, text: object) -> str:
            return str(text) if kept(name) else "-"

        line = (
            f"{shown('ClientHost', peer)} - - [{self._clock.text(int(began)) if timed else '-'}] "
            f'"{shown("RequestMethod", escaped(method))} {shown("RequestPath", escaped(path))} '
            f'{shown("RequestProtocol", f"HTTP/1.{version}")}" '
            f"{shown('DownstreamStatus', status)} {shown('DownstreamContentSize', sent)} "
            f"{self.headers.kept[headers]}"
        )
        if self._generic:
            return line + "\n"
        return (
            f"{line} {shown('RequestCount', number)} "
            f'"{shown("RouterName", self._names[router])}" "{shown("ServiceURL", self._names[url])}" '
            f"{int(seconds * 1000) if kept('Duration') else 0}ms\n"
        )


def _of_headers(headers: dict[str, str]) -> str:
    return f'"{headers.get("Referer", "-")}" "{headers.get("User-Agent", "-")}"'
