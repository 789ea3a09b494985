"""Formats request times for log lines; formats each whole second once and reuses the text."""

from __future__ import annotations

from time import gmtime, localtime, strftime

COMMON = "%d/%b/%Y:%H:%M:%S %z"
ISO = "%Y-%m-%dT%H:%M:%S"


class Clock:
    """A formatter of Unix seconds, in UTC or the local time zone; `zone` is the suffix of an ISO time."""

    def __init__(self, form: str, *, local: bool = False) -> None:
        self._form = form
        self._local = local
        self._second = -1
        self._text = ""
        self.zone = ""

    def text(self, second: int) -> str:
        """Return `26/Nov/2026:10:00:00 +0000`, or an ISO time without fraction and zone."""
        if second != self._second:
            self._second = second
            at = localtime(second) if self._local else gmtime(second)
            self._text = strftime(self._form, at)
            zone = strftime("%z", at)
            self.zone = f"{zone[:3]}:{zone[3:]}" if self._local else "Z"
        return self._text

    def iso(self, moment: float) -> str:
        """Return `2026-11-26T10:00:00.123456Z`, or the local time with its offset."""
        second = int(moment)
        return f"{self.text(second)}.{int((moment - second) * 1e6):06d}{self.zone}"
