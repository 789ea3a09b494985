"""Ending a wait that knows nothing of the stop event, such as a blocking read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINGER = 1.0
"""Seconds within which the helper thread ends after the block was left without a stop."""


@contextmanager
def on_stop(stop: threading.Event, act: Callable[[], None]) -> Iterator[None]:
    """While in the block, call `act` (from another thread) as soon as `stop` is set."""
    left = threading.Event()

    def wait() -> None:
        # Two events cannot be awaited at once: `stop` is, since it is the one that is urgent.
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
