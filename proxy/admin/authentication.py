"""What this worker holds against what it is shown at the admin entry point."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property

import gevent
from flask import current_app, request
from gevent.lock import BoundedSemaphore

from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal
from proxy.authentication.credentials import TOKEN_USER, CredentialError, Credentials, bearer
from proxy.authentication.login_attempts import Guesses
from proxy.authentication.sessions import Sessions

log = logging.getLogger(__name__)

COMPARISONS = 2
"""Passwords compared at once; each takes a core for a while."""

_comparing = BoundedSemaphore(COMPARISONS)


class Door:
    """Looks at what clients show, as long as they do not guess too often."""

    def __init__(self) -> None:
        """Raises Refusal where the credentials cannot be read."""
        try:
            self.credentials = Credentials(runtime().settings.api, self._compare)
        except CredentialError as error:
            log.critical("nobody is let in at the admin entry point: %s", error)
            raise Refusal(503, "the credentials cannot be read: see the log") from None
        self._guesses = Guesses()

    @cached_property
    def sessions(self) -> Sessions:
        """Of the token that there is."""
        sessions: Sessions = gevent.get_hub().threadpool.apply(Sessions, (self.credentials.token,))
        return sessions

    def user(self, authorization: str) -> str | None:
        """Who shows this header; None for nobody known. Raises Refusal while the client has to wait."""
        if self.is_token(bearer(authorization)):
            return TOKEN_USER
        self._demand_patience()
        if self._guesses.was_wrong(_client(), authorization):
            return None
        user = self.credentials.user(authorization)
        if user is None:
            self.wrong(authorization)
        return user

    def is_token(self, shown: str) -> bool:
        """Whether it is the token, and the client need not wait.

        With a token that nobody guesses nobody waits, lest others behind the same address lock him out.
        """
        may_look = self.credentials.is_beyond_guessing or not self.wait()
        return may_look and self.credentials.is_token(shown)

    def wait(self) -> int:
        """Seconds in which nothing that could be guessed is looked at, after many wrong ones."""
        return self._guesses.wait(_client())

    def wrong(self, shown: str) -> None:
        """Remember that this client has shown something that is wrong."""
        self._guesses.wrong(_client(), shown)
        if wait := self.wait():
            log.warning("%s has shown many wrong tokens or passwords, and waits %d s", _client(), wait)

    def _demand_patience(self) -> None:
        if wait := self.wait():
            message = f"too many wrong tokens or passwords came from your address: wait {wait} s"
            raise Refusal(429, message, headers={"Retry-After": str(wait)})

    def _compare(self, compare: Callable[[], bool]) -> bool:
        with _comparing:
            # Many may have been shown at once, and wait here for each other.
            self._demand_patience()
            # In a thread: bcrypt lets others run meanwhile, and takes long enough for requests to notice.
            right: bool = gevent.get_hub().threadpool.apply(compare)
            return right


def door() -> Door:
    """The one of this worker."""
    held: Door | None = current_app.extensions.get("rondpoint_door")
    if held is None:
        held = Door()
        current_app.extensions["rondpoint_door"] = held
    return held


def _client() -> str:
    return request.remote_addr or ""
