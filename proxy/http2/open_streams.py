"""The open streams of a connection, and what is still remembered of ended ones (RFC 9113 §5.1)."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from proxy.http2.errors import PROTOCOL_ERROR, ConnectionFault
from proxy.http2.frames import MAX_STREAM_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.http2.stream import Stream

_REMEMBERED_RESETS = 1000


class OpenStreams(dict[int, "Stream"]):
    """The open streams by number; `is_idle` returns whether a stream was never opened.

    `goes_away_after` is the last stream that this side has promised to handle in a GOAWAY.
    """

    __slots__ = ("_is_idle", "_resets", "goes_away_after")

    def __init__(self, is_idle: Callable[[int], bool]) -> None:
        self._is_idle = is_idle
        self._resets: OrderedDict[int, None] = OrderedDict()
        self.goes_away_after = MAX_STREAM_ID

    def find(self, stream_id: int) -> Stream | None:
        """Return an open stream; None if frames on it are to be ignored. Raises ConnectionFault."""
        stream = self.get(stream_id)
        if stream is None:
            if not stream_id:
                raise ConnectionFault(PROTOCOL_ERROR, "a frame that needs a stream")
            if self._is_idle(stream_id):
                raise ConnectionFault(PROTOCOL_ERROR, "a frame on a stream that nobody has opened")
        return stream

    def ignores(self, stream_id: int) -> bool:
        """Return whether content on a stream that is not open is dropped: it was on its way."""
        return stream_id in self._resets or stream_id > self.goes_away_after

    def remember_reset(self, stream_id: int) -> None:
        """Note that this side has reset a stream: frames on it are still on their way."""
        self._resets[stream_id] = None
        if len(self._resets) > _REMEMBERED_RESETS:
            self._resets.popitem(last=False)
