"""Interrupts a wait that does not watch the stop event, such as a blocking read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINGER = 1.0
"""Seconds within which the helper thread ends if the block was left before `stop` was set."""


@contextmanager
def on_stop(stop: threading.Event, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` from another thread as soon as `stop` is set, unless the block has been left by then."""
    left = threading.Event()

    def wait() -> None:
        # A thread cannot wait for two events at once. It waits for `stop`, which is urgent.
        while not stop.wait(LINGER):
            if left.is_set():
                return
        if not left.is_set():
            act()

    threading.Thread(target=wait, name="on-stop", daemon=True).start()
    try:
        yield
    finally:
        left.set()
