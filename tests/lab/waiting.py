"""Waits for conditions that send no event."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL = 0.01  # seconds


def until(check: Callable[[], T | None], condition: str, *, timeout: float = 60.0) -> T:
    """Call `check` every 10 ms and return its first true result.

    Raises AssertionError, with `condition` and the last result, after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (result := check()):
        assert time.monotonic() < deadline, (
            f"{condition}: not within {timeout} s; the last result was {result!r}"
        )
        time.sleep(INTERVAL)
    return result
