"""File descriptors: the capacity for client connections, and the lack of descriptors."""

from __future__ import annotations

import logging
import resource
from errno import EMFILE, ENFILE
from time import monotonic

log = logging.getLogger(__name__)

MAX_DESCRIPTORS = 1 << 20
"""The highest limit that a process sets, if the system allows any limit or a very high one."""

RESERVED = 128
"""Descriptors for other uses than connections of requests: store, logs, pipes, the admin entry point."""

WARNING_INTERVAL = 60.0
"""Seconds between two warnings that no descriptor is left."""


def raise_limit() -> int:
    """Raise this process's limit as far as the system allows, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connection_capacity(descriptors: int, wanted: int, *, explicit: bool = False) -> int:
    """Return how many of the `wanted` client connections these descriptors allow.

    Each client connection may need a second descriptor for a server. If the user set the number (`explicit`),
    one descriptor for each is enough: the user knows how many connections are idle.
    """
    free = descriptors - min(RESERVED, descriptors // 4)
    return max(1, min(wanted, free if explicit else free // 2))


def session_capacity(descriptors: int, wanted: int) -> int:
    """Return how many of the `wanted` UDP sessions these descriptors allow, with most left for connections.

    Each session has one descriptor, for its server.
    """
    return max(1, min(wanted, descriptors // 4))


class DescriptorShortage:
    """Recognises accepts that failed because no descriptor is left, and logs that once a minute at most."""

    def __init__(self) -> None:
        self._warned_at = -WARNING_INTERVAL

    def recognises(self, error: OSError) -> bool:
        """Return whether no descriptor was left; then the connection waits in the kernel's queue."""
        if error.errno not in {EMFILE, ENFILE}:
            return False
        if monotonic() - self._warned_at >= WARNING_INTERVAL:
            self._warned_at = monotonic()
            log.warning("no file descriptor is left; new connections wait: %s", error.strerror)
        return True
