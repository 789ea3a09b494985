"""What this worker holds against what it is shown at the admin entry point."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property

import gevent
from flask import current_app, request
from gevent.lock import BoundedSemaphore

from proxy.access.credentials import CredentialError, Credentials
from proxy.access.guesses import Guesses
from proxy.access.sessions import Sessions
from proxy.admin.answers import Refusal
from proxy.admin.running import runtime

log = logging.getLogger(__name__)

COMPARISONS = 2
"""Passwords compared at once; each takes a core for a while."""

_comparing = BoundedSemaphore(COMPARISONS)


class Door:
    """Raises Refusal, unless the client has to wait: see `wait`."""

    def __init__(self) -> None:
        try:
            self.credentials = Credentials(runtime().settings.api, _compare)
        except CredentialError as error:
            log.critical("nobody is let in at the admin entry point: %s", error)
            raise Refusal(503, "the credentials cannot be read: see the log") from None
        self._guesses = Guesses()

    @cached_property
    def sessions(self) -> Sessions:
        """Of the token that there is."""
        sessions: Sessions = gevent.get_hub().threadpool.apply(Sessions, (self.credentials.token,))
        return sessions

    def wait(self) -> int:
        """Seconds in which this client's token or password is not looked at, after many wrong ones."""
        return self._guesses.wait(_client())

    def wrong(self, shown: str) -> None:
        """Remember that this client has shown something that is wrong."""
        self._guesses.wrong(_client(), shown)
        if wait := self.wait():
            log.warning("%s has shown many wrong tokens or passwords, and waits %d s", _client(), wait)


def door() -> Door:
    """The one of this worker."""
    held: Door | None = current_app.extensions.get("rondpoint_door")
    if held is None:
        held = Door()
        current_app.extensions["rondpoint_door"] = held
    return held


def _client() -> str:
    return request.remote_addr or ""


def _compare(compare: Callable[[], bool]) -> bool:
    with _comparing:
        # In a thread: bcrypt lets others run meanwhile, and takes long enough for requests to notice.
        right: bool = gevent.get_hub().threadpool.apply(compare)
        return right
