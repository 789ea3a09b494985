"""Bodies of responses as iterators, for response steps that read a body before its head is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.http1.body_filter import BodyFilter


def close_pieces(pieces: Iterator[bytes]) -> None:
    """Run the `finally` blocks of the generator that yields the pieces, if it is one."""
    close = getattr(pieces, "close", None)
    if close is not None:
        close()


class BodySource(Protocol):
    """Yields the pieces of one body as they arrive; `started` becomes true with the first call."""

    @property
    def started(self) -> bool: ...

    @property
    def trailers(self) -> bytes:
        """The trailer lines after the body, once it was read."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...


class PiecesSource:
    """A body that is an iterator already."""

    trailers = b""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.started = False
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.started = True
        return next(self._pieces)


def content_source(content: bytes) -> BodySource:
    """Return the source of a body that is in memory."""
    return PiecesSource(iter((content,) if content else ()))


class FilteredSource:
    """A body after a filter; each piece is flushed, so that a stream does not wait in the filter."""

    def __init__(self, source: BodySource, body_filter: BodyFilter) -> None:
        self.started = False
        self.trailers = b""
        self._source = source
        self._filter: BodyFilter | None = body_filter

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.started = True
        body_filter = self._filter
        if body_filter is None:
            raise StopIteration
        for piece in self._source:
            ready = body_filter.feed(piece) + body_filter.flush()
            if ready:
                return ready
        self._filter = None
        if self._source.trailers:
            self.trailers = body_filter.take_trailers(self._source.trailers)
        ready = body_filter.finish()
        if not ready:
            raise StopIteration
        return ready
