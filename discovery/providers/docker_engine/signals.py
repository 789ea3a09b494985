"""The signals that ask a container to stop."""

from __future__ import annotations

from signal import SIGINT, SIGKILL, SIGQUIT, SIGRTMIN, SIGTERM, Signals

STOPPING_SIGNALS = frozenset({SIGTERM, SIGKILL, SIGINT, SIGQUIT})
"""Signals that stop a container, whatever its own stop signal is."""


def signal_number(name: str) -> int:
    """Return the number of a signal as images name it: `SIGQUIT`, `QUIT`, `3`, `SIGRTMIN+3`; else SIGTERM."""
    if name.isdigit():
        return int(name)
    base, _, offset = name.upper().removeprefix("SIG").partition("+")
    if base == "RTMIN":
        return SIGRTMIN + (int(offset) if offset.isdigit() else 0)
    return Signals.__members__.get(f"SIG{base}", SIGTERM)
