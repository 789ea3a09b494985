"""The Common Log Format as Traefik extends it, and without what it adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.telemetry.clock import COMMON, Clock
from proxy.telemetry.escaping import escaped
from proxy.telemetry.logged_headers import LoggedHeaders, modes
from rondpoint.settings import AccessLogFields, Mode

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.answered import Answered

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")}
_IN_A_LINE = (
    "ClientHost ClientUsername StartUTC RequestMethod RequestPath RequestProtocol DownstreamStatus "
    "DownstreamContentSize RequestCount RouterName ServiceURL Duration"
)


class CommonFormat:
    """`write` gives the line of a request; `generic` leaves out what Traefik adds at its end."""

    def __init__(self, fields: AccessLogFields, *, generic: bool = False) -> None:
        self._fields = fields
        self._generic = generic
        self._clock = Clock(COMMON, local=not fields.kept("StartUTC"))
        self._no_query = fields.query_parameters.default_mode is Mode.DROP
        self.headers = LoggedHeaders("", *modes(fields.headers), escaped)
        whole = all(fields.kept(name) for name in _IN_A_LINE.split())
        self.write = self._whole if whole and not generic and not self._no_query else self._partial

    def _whole(self, answered: Answered, request: Request, seconds: float, number: int, began: float) -> str:
        """Every field kept: the path of most logs, with no look at any setting."""
        headers = self.headers.read(request.headers)
        method = _METHODS.get(request.method) or escaped(request.method)
        target = answered.target
        return (
            f"{answered.peer} - - [{self._clock.common(began)}] "
            f'"{method} {escaped(request.target)} HTTP/1.{request.version}" '
            f'{answered.status} {answered.sent} "{headers.get("Referer", "-")}" '
            f'"{headers.get("User-Agent", "-")}" {number} '
            f'"{answered.tally.router or "-"}" "{"-" if target is None else target.url}" '
            f"{int(seconds * 1000)}ms\n"
        )

    def _partial(
        self, answered: Answered, request: Request, seconds: float, number: int, began: float
    ) -> str:
        kept = self._fields.kept
        headers = self.headers.read(request.headers)
        path = request.target.partition(b"?")[0] if self._no_query else request.target
        timed = kept("StartUTC") or kept("StartLocal")

        def shown(name: str, text: object) -> str:
            return str(text) if kept(name) else "-"

        line = (
            f"{shown('ClientHost', answered.peer)} - - [{self._clock.common(began) if timed else '-'}] "
            f'"{shown("RequestMethod", escaped(request.method))} {shown("RequestPath", escaped(path))} '
            f'{shown("RequestProtocol", f"HTTP/1.{request.version}")}" '
            f"{shown('DownstreamStatus', answered.status)} {shown('DownstreamContentSize', answered.sent)} "
            f'"{headers.get("Referer", "-")}" "{headers.get("User-Agent", "-")}"'
        )
        if self._generic:
            return line + "\n"
        url = "" if answered.target is None else answered.target.url
        return (
            f"{line} {shown('RequestCount', number)} "
            f'"{shown("RouterName", answered.tally.router or "-")}" "{shown("ServiceURL", url or "-")}" '
            f"{int(seconds * 1000) if kept('Duration') else 0}ms\n"
        )
