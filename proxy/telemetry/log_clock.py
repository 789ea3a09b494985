"""Times of requests as they stand in a log, whose larger part is the same for a whole second."""

from __future__ import annotations

from time import gmtime, localtime, strftime

COMMON = "%d/%b/%Y:%H:%M:%S %z"
ISO = "%Y-%m-%dT%H:%M:%S"


class Clock:
    """Unix seconds as text, in UTC or in the local time zone; `zone` is the end of an ISO time in it."""

    def __init__(self, form: str, *, local: bool = False) -> None:
        self._form = form
        self._local = local
        self._second = -1
        self._text = ""
        self.zone = ""

    def text(self, second: int) -> str:
        """`26/Nov/2026:10:00:00 +0000`, or an ISO time less its fraction and its zone."""
        if second != self._second:
            self._second = second
            at = localtime(second) if self._local else gmtime(second)
            self._text = strftime(self._form, at)
            zone = strftime("%z", at)
            self.zone = f"{zone[:3]}:{zone[3:]}" if self._local else "Z"
        return self._text

    def iso(self, moment: float) -> str:
        """`2026-11-26T10:00:00.123456Z`, or with the offset of the time zone."""
        second = int(moment)
        return f"{self.text(second)}.{int((moment - second) * 1e6):06d}{self.zone}"
