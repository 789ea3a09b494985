"""The Common Log Format as Traefik extends it, and without what it adds."""

from __future__ import annotations

from collections.abc import Sequence
from time import time
from typing import TYPE_CHECKING, cast

from proxy.telemetry.escaping import escaped, escaped_name, plain
from proxy.telemetry.log_clock import COMMON, Clock
from proxy.telemetry.logged_headers import LoggedHeaders, modes
from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogFields, Mode

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import CompletedRequest

_IN_A_LINE = (
    "ClientHost ClientUsername StartUTC RequestMethod RequestPath RequestProtocol DownstreamStatus "
    "DownstreamContentSize RequestCount RouterName ServiceURL Duration"
)

Note = tuple[bytes, float, bytes, bytes, int, int, int, bytes, int, str, str, float]

_TEXT = "utf-8", "backslashreplace"


class CommonFormat:
    """`note` keeps what the line of a request has to say, and `lines` says it of many.

    `generic` leaves out what Traefik adds at its end.
    """

    def __init__(self, fields: AccessLogFields, *, generic: bool = False) -> None:
        self._fields = fields
        self._generic = generic
        self._clock = Clock(COMMON, local=not fields.kept("StartUTC"))
        self._no_query = fields.query_parameters.default_mode is Mode.DROP
        # Labels may name a router as they like.
        self._names = ValueCache(_name)
        self.headers = LoggedHeaders("", *modes(fields.headers), escaped, _of_headers)
        whole = all(fields.kept(name) for name in _IN_A_LINE.split())
        self.lines = self._whole if whole and not generic and not self._no_query else self._partial

    @staticmethod
    def note(answered: CompletedRequest, request: Request, seconds: float, number: int) -> Note:
        """At the end of the request `number`, which took `seconds`."""
        target = answered.target
        return (
            answered.address,
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

    def _whole(self, notes: Sequence[Note]) -> bytes:
        """Every field kept: the path of most logs, with no look at any setting."""
        clock, of_headers, names = self._clock, self.headers.kept, self._names
        if not plain([note[2] for note in notes] + [note[3] for note in notes]):
            notes = list(map(_escaped, notes))
        lines: list[bytes] = []
        add = lines.append
        # Floats, since to compare one with an integer takes longer.
        begun = over = 0.0
        stamp = b""
        for peer, began, method, path, version, status, sent, headers, number, router, url, seconds in notes:
            if not begun <= began < over:
                second = int(began)
                begun, over = float(second), second + 1.0
                stamp = clock.text(second).encode()
            add(
                b'%b - - [%b] "%b %b HTTP/1.%d" %d %d %b %d "%b" "%b" %dms\n'
                % (
                    peer,
                    stamp,
                    method,
                    path,
                    version,
                    status,
                    sent,
                    of_headers[headers],
                    number,
                    names[router],
                    names[url],
                    int(seconds * 1000),
                )
            )
        return b"".join(lines)

    def _partial(self, notes: Sequence[Note]) -> bytes:
        return "".join(map(self._part, notes)).encode(*_TEXT)

    def _part(self, note: Note) -> str:
        peer, began, method, target, version, status, sent, headers, number, router, url, seconds = note
        kept = self._fields.kept
        path = target.partition(b"?")[0] if self._no_query else target
        timed = kept("StartUTC") or kept("StartLocal")

        def shown(name: str, text: object) -> str:
            return str(text) if kept(name) else "-"

        line = (
            f"{shown('ClientHost', peer.decode())} - - [{self._clock.text(int(began)) if timed else '-'}] "
            f'"{shown("RequestMethod", escaped(method))} {shown("RequestPath", escaped(path))} '
            f'{shown("RequestProtocol", f"HTTP/1.{version}")}" '
            f"{shown('DownstreamStatus', status)} {shown('DownstreamContentSize', sent)} "
            f"{self.headers.kept[headers].decode()}"
        )
        if self._generic:
            return line + "\n"
        return (
            f"{line} {shown('RequestCount', number)} "
            f'"{shown("RouterName", escaped_name(router))}" "{shown("ServiceURL", escaped_name(url))}" '
            f"{int(seconds * 1000) if kept('Duration') else 0}ms\n"
        )


def _escaped(note: Note) -> Note:
    """With a method and a path that can stand in a line."""
    peer, began, method, path, *others = note
    return cast("Note", (peer, began, escaped(method).encode(), escaped(path).encode(), *others))


def _name(name: str) -> bytes:
    return escaped_name(name).encode(*_TEXT)


def _of_headers(headers: dict[str, str]) -> bytes:
    return f'"{headers.get("Referer", "-")}" "{headers.get("User-Agent", "-")}"'.encode()
