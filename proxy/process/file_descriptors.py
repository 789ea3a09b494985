"""File descriptors: how many client connections there is room for, and what happens when none is left."""

from __future__ import annotations

import logging
import resource
from errno import EMFILE, ENFILE
from time import monotonic
from typing import Any

from gevent import get_hub
from gevent.server import StreamServer

log = logging.getLogger(__name__)

MOST = 1 << 20
"""Descriptors asked for at most, where the system sets no limit or a very high one."""

RESERVED = 128
"""Descriptors for what is no connection of a request: store, logs, pipes, the admin entry point."""

COMPLAINT_INTERVAL = 60.0


class NoDescriptorError(OSError):
    """A connection cannot be accepted now; it waits in the system's queue."""


def raise_limit() -> int:
    """Set this process's limit as high as it may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def room_for_connections(descriptors: int, wanted: int, *, asked_for: bool = False) -> int:
    """How many of the `wanted` client connections these descriptors allow: each may need one to a server.

    Whoever has `asked_for` so many knows how many of them are idle, and need none.
    """
    free = descriptors - min(RESERVED, descriptors // 4)
    return max(1, min(wanted, free if asked_for else free // 2))


class Acceptor(StreamServer):
    """Accepts connections. Without a descriptor it lets them wait, and tries again within a second."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._complained = -COMPLAINT_INTERVAL
        hub: Any = get_hub()
        # gevent would print where each attempt failed.
        if NoDescriptorError not in hub.NOT_ERROR:
            hub.NOT_ERROR += (NoDescriptorError,)

    def do_read(self) -> Any:
        """A connection and its address, None when there is none. Raises OSError."""
        try:
            return super().do_read()
        except OSError as error:
            if error.errno not in {EMFILE, ENFILE}:
                raise
            if monotonic() - self._complained >= COMPLAINT_INTERVAL:
                self._complained = monotonic()
                log.warning("no file descriptor is left, new connections wait: %s", error.strerror)
            raise NoDescriptorError(*error.args) from None
