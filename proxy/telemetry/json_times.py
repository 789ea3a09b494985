"""The time fields of JSON log lines, computed for many requests at once."""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub
from time import monotonic, time

import msgspec

from proxy.telemetry.log_clock import ISO, Clock

_MILLION = 1_000_000
_whole = float.__trunc__
_encode = msgspec.json.Encoder().encode

Moments = Sequence[float]

NAMES = ("time", "StartLocal", "StartUTC", "Duration", "OriginDuration", "Overhead")
"""The fields in the order of the columns."""


class JsonTimes:
    """Computes columns of times: texts in ISO 8601, durations in nanoseconds."""

    def __init__(self) -> None:
        self._utc = Clock(ISO)
        self._local = Clock(ISO, local=True)

    def columns(
        self, started: Moments, seconds: Moments, tried: Moments
    ) -> tuple[Sequence[str] | Sequence[int], ...]:
        """Return a column for each of NAMES.

        Requests `started` at these moments and took so many `seconds`; the first server was `tried` at these
        moments, or never (0). Moments are in monotonic seconds.
        """
        offset = time() - monotonic()
        base = int(min(started) + offset)
        # Microseconds since the second before `base`: within `base`, all of them have seven digits.
        offset -= base - 1
        began = list(map(_whole, [(moment + offset) * 1e6 for moment in started]))
        durations = list(map(_whole, [each * 1e9 for each in seconds]))
        ended = [start + duration // 1000 for start, duration in zip(began, durations, strict=True)]
        overheads = list(
            map(
                _whole,
                [
                    (first - start if first > start else 0.0) * 1e9 if first else took * 1e9
                    for start, first, took in zip(started, tried, seconds, strict=True)
                ],
            )
        )
        return (
            _texts(ended, base, self._utc),
            _texts(began, base, self._local),
            _texts(began, base, self._utc),
            durations,
            list(map(sub, durations, overheads)),
            overheads,
        )


def _texts(moments: Sequence[int], base: int, clock: Clock) -> list[str]:
    """Return moments, in microseconds since the second before `base`, as texts."""
    if min(moments) >= _MILLION and max(moments) < 2 * _MILLION:
        # All lie in the same second: of the numbers, the first digit is replaced by what they share.
        second, zone = clock.text(base), clock.zone
        digits = _encode(moments).decode()[2:-1]
        return f"{second}.{digits.replace(',1', f'{zone},{second}.')}{zone}".split(",")
    return [_text(moment, base - 1, clock) for moment in moments]


def _text(moment: int, base: int, clock: Clock) -> str:
    seconds, fraction = divmod(moment, _MILLION)
    return f"{clock.text(base + seconds)}.{fraction:06d}{clock.zone}"
