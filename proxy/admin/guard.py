"""Runs before every request to the admin entry point, and lets it pass or not."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
from flask import Flask, current_app, g, request
from gevent.lock import BoundedSemaphore

from proxy.access.credentials import CredentialError, Credentials
from proxy.access.origin import JSON_TYPES, READING, is_foreign, is_json, is_local_name
from proxy.admin.answers import Refusal
from proxy.admin.running import runtime
from rondpoint.settings.access import Access, access

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset(("/ping",))
"""Answered to everybody: they tell nothing."""

COMPARISONS = 2
"""Passwords compared at once; each takes a core for a while."""

_HINT = "set api.token or api.basicAuth.users"

_comparing = BoundedSemaphore(COMPARISONS)


def install(app: Flask) -> None:
    """Have every request of the application pass here first."""
    app.before_request(_guard)


def _guard() -> None:
    if request.path in OPEN_PATHS:
        return
    g.user = ""
    given = access(runtime().settings)
    if given is Access.CLOSED:
        raise Refusal(403, f"nothing is told here without a token or a password: {_HINT}")
    if given is Access.OPEN and not is_local_name(request.host):
        raise Refusal(403, f"{request.host!r} is no name of this machine: ask localhost or an address")
    if given is Access.GUARDED:
        g.user = _user()
    if request.method in READING:
        return
    if given is Access.READABLE:
        raise Refusal(403, f"changes need a token or a password: {_HINT}")
    if is_foreign(request.host, request.headers.get("Origin", ""), request.headers.get("Sec-Fetch-Site", "")):
        raise Refusal(403, "a page of another site may not change anything here")
    # A form could send a POST without a word of JSON; other methods no page sends unasked.
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if (request.method == "POST" or has_body) and not is_json(request.content_type or ""):
        raise Refusal(
            415, f"expected Content-Type: {JSON_TYPES[0]}", headers={"Accept": ", ".join(JSON_TYPES)}
        )


def _user() -> str:
    credentials = current_app.extensions.get("rondpoint_credentials")
    if credentials is None:
        try:
            credentials = Credentials(runtime().settings.api, _compare)
        except CredentialError as error:
            log.critical("nobody is let in at the admin entry point: %s", error)
            raise Refusal(503, "the credentials cannot be read: see the log") from None
        current_app.extensions["rondpoint_credentials"] = credentials
    authorization = request.headers.get("Authorization", "")
    user: str | None = credentials.user(authorization)
    if user is None:
        message = "the token or password is wrong" if authorization else "a token or a password is needed"
        raise Refusal(401, message, headers={"WWW-Authenticate": credentials.challenges})
    return user


def _compare(compare: Callable[[], bool]) -> bool:
    with _comparing:
        # In a thread: bcrypt lets others run meanwhile, and takes long enough for requests to notice.
        right: bool = gevent.get_hub().threadpool.apply(compare)
        return right
