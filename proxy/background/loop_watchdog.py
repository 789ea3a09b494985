"""Finds user code that keeps the event loop, and so all other requests of the worker, waiting.

A thread of the operating system looks at the event loop from outside. If the loop makes no progress and
watched code is on the stack, the loop reports this once it runs again.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from time import monotonic
from types import CodeType, FrameType
from typing import Any

from gevent import get_hub
from gevent.monkey import get_original

log = logging.getLogger(__name__)

LIMIT = 0.1
"""The seconds for which code may keep the loop without a warning."""

LOOK_INTERVAL = 0.05
REPORT_INTERVAL = 60.0
"""The seconds between two warnings about the same code."""

_watched: set[CodeType] = set()


def watch_frames(code: CodeType) -> None:
    """Watch methods with this code: `self.name` is the name in the warning."""
    _watched.add(code)


class Hold:
    """Code that keeps the loop: its `name`, the place where it was seen, and since when."""

    __slots__ = ("name", "place", "since")

    def __init__(self, name: str, place: str, since: float) -> None:
        self.name = name
        self.place = place
        self.since = since


class LoopWatchdog:
    """Watches the event loop of the thread that creates it; `limit` is in seconds."""

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit
        self._loop: Any = get_hub().loop
        self._thread: int = get_original("_thread", "get_ident")()
        self._sleep: Callable[[float], None] = get_original("time", "sleep")
        self._holds: deque[Hold] = deque(maxlen=100)
        self._reported: dict[str, float] = {}
        # Watching must not keep a loop alive that has nothing else to do.
        self._wake: Any = self._loop.async_(ref=False)
        self._stopped = False

    def start(self) -> None:
        """Begin to watch."""
        self._wake.start(self._report)
        get_original("_thread", "start_new_thread")(self._watch, ())

    def stop(self) -> None:
        """Watch no more."""
        self._stopped = True

    def _watch(self) -> None:
        iteration, looked = -1, monotonic()
        seen: object = None
        since, reported = 0.0, False
        while not self._stopped:
            self._sleep(LOOK_INTERVAL)
            before, looked = looked, monotonic()
            if self._loop.iteration != iteration:
                iteration, seen = self._loop.iteration, None
                continue
            innermost, frame = self._find_watched()
            if frame is None or innermost is None:
                continue
            watched = frame.f_locals["self"]
            if watched is not seen:
                # Code in C may have kept this thread waiting, too.
                seen, since = watched, before if looked - before >= self._limit else looked
                reported = False
            if looked - since >= self._limit and not reported:
                reported = True
                self._holds.append(Hold(watched.name, _place(innermost, frame), since))
                self._wake.send()

    def _find_watched(self) -> tuple[FrameType | None, FrameType | None]:
        """Return the innermost frame of the loop's thread, and the watched one around it, if there is one."""
        innermost = frame = sys._current_frames().get(self._thread)
        while frame is not None and frame.f_code not in _watched:
            frame = frame.f_back
        return innermost, frame

    def _report(self) -> None:
        while self._holds:
            hold = self._holds.popleft()
            now = monotonic()
            if now - self._reported.get(hold.name, -REPORT_INTERVAL) >= REPORT_INTERVAL:
                self._reported[hold.name] = now
                log.warning(
                    "middleware %s has kept all requests of this worker waiting for %.2f s, at %s: "
                    "run long computations in gevent's thread pool or in another process",
                    hold.name,
                    now - hold.since,
                    hold.place,
                )


def _place(innermost: FrameType, watched: FrameType) -> str:
    """Return file, line and function of the code that the watched method has called first."""
    frame = innermost
    while frame.f_back is not None and frame.f_back is not watched and frame is not watched:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
