"""Interrupts a wait that does not watch the stop event, such as a blocking read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FIRST_LINGER = 1.0
"""Seconds within which the helper thread ends if the block was soon left, before `stop` was set."""

LAST_LINGER = 60.0
"""The same for a block that lasted long. A thread that looks every second would keep a processor awake."""


@contextmanager
def on_stop(stop: threading.Event, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` from another thread as soon as `stop` is set, unless the block has been left by then."""
    left = threading.Event()

    def wait() -> None:
        # A thread cannot wait for two events at once. It waits for `stop`, which is urgent.
        linger = FIRST_LINGER
        while not stop.wait(linger):
            if left.is_set():
                return
            linger = min(2 * linger, LAST_LINGER)
        if not left.is_set():
            act()

    threading.Thread(target=wait, name="on-stop", daemon=True).start()
    try:
        yield
    finally:
        left.set()
