"""Whether this agent leads the agents of its name, for writes that the store cannot fence."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Leadership:
    """The leadership of this agent among the agents with its name, which all read the same sources.

    Scripts in the store refuse the writes of an agent whose lease has ended. Other systems, such as the
    Kubernetes API, cannot. So `held` ends by this agent's own clock, unless the lease is renewed before.
    """

    def __init__(self, until: float = -math.inf) -> None:
        self._until = until
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def held(self) -> bool:
        """Whether this agent leads now."""
        return time.monotonic() < self._until

    def extend(self, until: float) -> None:
        """Lead until this time (monotonic). Calls the listeners if this agent did not lead."""
        with self._lock:
            gained = not self.held
            self._until = until
            listeners = tuple(self._listeners) if gained else ()
        for each in listeners:
            each()

    def end(self) -> None:
        """Lead no longer."""
        self._until = -math.inf

    @contextmanager
    def on_gain(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener`, from another thread, whenever this agent begins to lead within the block."""
        with self._lock:
            self._listeners.append(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)


def permanent() -> Leadership:
    """Return the leadership of an agent that has no other beside it."""
    return Leadership(math.inf)
