"""Checks the credentials of requests to the admin entry point, and limits failed logins."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property

import gevent
from flask import current_app
from gevent.lock import BoundedSemaphore

from proxy.admin.client_address import client_address
from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal
from proxy.authentication.credentials import TOKEN_USER, CredentialError, Credentials, bearer
from proxy.authentication.login_attempts import LoginAttempts
from proxy.authentication.sessions import Sessions

log = logging.getLogger(__name__)

MAX_COMPARISONS = 2
"""Passwords compared at the same time; each comparison keeps one CPU core busy."""

_comparisons = BoundedSemaphore(MAX_COMPARISONS)


class Authenticator:
    """The credentials of this worker and the failed logins of its clients."""

    def __init__(self) -> None:
        """Read the credentials from the settings. Raises Refusal if they cannot be read."""
        try:
            self.credentials = Credentials(runtime().settings.api, self._compare)
        except CredentialError as error:
            log.critical("nobody can sign in at the admin entry point: %s", error)
            raise Refusal(503, "the credentials cannot be read: see the log") from None
        self._attempts = LoginAttempts()

    @cached_property
    def sessions(self) -> Sessions:
        """The sessions that this worker's token signs."""
        sessions: Sessions = gevent.get_hub().threadpool.apply(Sessions, (self.credentials.token,))
        return sessions

    def authenticate(self, authorization: str) -> str | None:
        """Return the user of an `Authorization` header, or None for wrong credentials.

        Raises Refusal while the client has to wait.
        """
        if self.token_matches(bearer(authorization)):
            return TOKEN_USER
        self._refuse_while_waiting()
        if self._attempts.failed_before(client_address(), authorization):
            return None
        user = self.credentials.authenticate(authorization)
        if user is None:
            self.record_failure(authorization)
        return user

    def token_matches(self, token: str) -> bool:
        """Return whether the client sent the right token and does not have to wait.

        A strong token cannot be guessed, so its owner never waits. Otherwise clients behind the same address
        could lock the owner out.
        """
        may_look = self.credentials.has_strong_token or not self.wait_seconds()
        return may_look and self.credentials.token_matches(token)

    def wait_seconds(self) -> int:
        """Return the seconds for which passwords and weak tokens of the client are ignored."""
        return self._attempts.wait_seconds(client_address())

    def record_failure(self, credential: str) -> None:
        """Record a wrong token or password of this client."""
        self._attempts.record_failure(client_address(), credential)
        if wait_seconds := self.wait_seconds():
            log.warning(
                "%s sent many wrong tokens or passwords and has to wait %d s", client_address(), wait_seconds
            )

    def _refuse_while_waiting(self) -> None:
        if wait_seconds := self.wait_seconds():
            message = f"too many wrong tokens or passwords from your address: wait {wait_seconds} s"
            raise Refusal(429, message, headers={"Retry-After": str(wait_seconds)})

    def _compare(self, compare: Callable[[], bool]) -> bool:
        with _comparisons:
            # Several concurrent requests may have passed the first check and queued here.
            self._refuse_while_waiting()
            # In a thread: bcrypt releases the GIL and takes long enough to delay other requests.
            right: bool = gevent.get_hub().threadpool.apply(compare)
            return right


def worker_authenticator() -> Authenticator:
    """Return this worker's authenticator; create it on first use."""
    authenticator: Authenticator | None = current_app.extensions.get("rondpoint_authenticator")
    if authenticator is None:
        authenticator = Authenticator()
        current_app.extensions["rondpoint_authenticator"] = authenticator
    return authenticator
