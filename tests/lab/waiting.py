"""Waiting for what sends no event."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL = 0.01  # seconds


def until(check: Callable[[], T | None], what: str, *, timeout: float = 60.0) -> T:
    """The first true result of `check`, asked every 10 ms.

    Raises AssertionError, naming `what` was waited for and the last result, after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (result := check()):
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s; the last answer was {result!r}"
        time.sleep(INTERVAL)
    return result
