"""The pieces of a body that a middleware makes, with the middleware's name for the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from greenlet import GreenletExit

from proxy.background.loop_watchdog import watch_frames
from rondpoint.middleware.body import BodyError

log = logging.getLogger(__name__)


class NamedPieces:
    """Yields the pieces of `pieces`; any error in it is logged, and becomes a BodyError."""

    __slots__ = ("_first", "_pieces", "name")

    def __init__(self, name: str, pieces: Iterator[bytes]) -> None:
        self.name = name
        self._pieces = pieces
        self._first: bytes | None = None

    def is_empty(self) -> bool:
        """Return whether there is no piece at all. Raises BodyError."""
        self._first = next(self, None)
        return self._first is None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        if first is not None:
            return first
        try:
            piece = next(self._pieces)
            if not isinstance(piece, bytes):
                piece = bytes(memoryview(piece))
        except (StopIteration, BodyError, GreenletExit):
            raise
        # Anything: the code is the user's, and the worker must go on.
        except BaseException as error:
            log.exception("middleware %s failed while it made a body", self.name)
            raise BodyError(500, "a middleware failed while it made the body") from error
        return piece

    def close(self) -> None:
        """Run the `finally` blocks of the generator, if it is one."""
        close = getattr(self._pieces, "close", None)
        if close is None:
            return
        try:
            close()
        except GreenletExit:
            raise
        except BaseException:
            log.exception("middleware %s failed at the end of a body", self.name)


watch_frames(NamedPieces.__next__.__code__)
