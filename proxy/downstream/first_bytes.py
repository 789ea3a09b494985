"""Reads the first bytes of a client, which show whether it speaks TLS."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.net.stream import Stream

log = logging.getLogger(__name__)


class FirstBytesReader:
    """A connection whose client has sent nothing yet."""

    __slots__ = ("stream",)

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def drain(self, idle_end: float) -> None:
        """End at `idle_end` (monotonic seconds) unless bytes arrive until then."""
        self.stream.deadline = min(self.stream.deadline, idle_end)

    def read(self, deadline: float) -> bytes:
        """Return the first bytes; if none come until `deadline`, close the connection and return b""."""
        stream = self.stream
        stream.deadline = deadline
        received = b""
        try:
            received = stream.recv()
        except OSError as error:
            log.debug("a client sent nothing: %s", error)
        finally:
            if not received:
                stream.close()
        return received
