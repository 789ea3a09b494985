"""Formats seconds in Go's notation, as Traefik's API does."""

from __future__ import annotations


def go_duration(seconds: float) -> str:
    """Return seconds as Go's `time.Duration` prints them: `1m0s`, `100ms`, `1.5s`, `0s`."""
    nanoseconds = round(seconds * 1e9)
    if nanoseconds == 0:
        return "0s"
    if abs(nanoseconds) < 1_000_000_000:
        for unit, size in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)):
            if abs(nanoseconds) >= size:
                return f"{_plain(nanoseconds / size)}{unit}"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    minutes, rest = divmod(rest, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    written = f"{_plain(rest / 1e9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{written}"
    return f"{sign}{minutes}m{written}" if minutes else f"{sign}{written}"


def _plain(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")
