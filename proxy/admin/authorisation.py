"""Runs before every request to the admin entry point, and lets it pass or not."""

from __future__ import annotations

from flask import Flask, g, redirect, request
from werkzeug.wrappers import Response

from proxy.admin.authentication import Door, door
from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal
from proxy.admin.pages import sign_in
from proxy.authentication.credentials import BEARER, TOKEN_USER
from proxy.authentication.request_origin import JSON_TYPES, READING, is_foreign, is_json, is_local_name
from rondpoint.settings import ADMIN
from rondpoint.settings.access import Access, access
from rondpoint.settings.closing import CHANGES

OPEN_PATHS = frozenset(("/ping",))
"""Answered to everybody: they tell nothing."""

_HINT = "set api.token or api.basicAuth.users"


def install(app: Flask) -> None:
    """Have every request of the application pass here first."""
    app.before_request(_guard)


def _guard() -> Response | None:
    if request.path in OPEN_PATHS:
        return None
    g.user = ""
    g.signed_in = False
    settings = runtime().settings
    if closed := settings.why_closed(ADMIN):
        raise Refusal(503, closed)
    given = access(settings)
    if given is Access.CLOSED:
        raise Refusal(403, f"nothing is told here without a token or a password: {_HINT}")
    if given is Access.OPEN and not is_local_name(request.host):
        raise Refusal(403, f"{request.host!r} is no name of this machine: ask localhost or an address")
    if given is Access.GUARDED and (answer := _let_in()):
        return answer
    if request.method in READING:
        return None
    if given is Access.READABLE:
        raise Refusal(403, f"changes need a token or a password: {_HINT}")
    if is_foreign(request.host, request.headers.get("Origin", ""), request.headers.get("Sec-Fetch-Site", "")):
        raise Refusal(403, "a page of another site may not change anything here")
    if request.path in sign_in.FORMS:
        return None
    if refused := settings.why_no(CHANGES):
        raise Refusal(403, f"changes are refused: {refused}")
    # A form could send a POST without a word of JSON; other methods no page sends unasked.
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if (request.method == "POST" or has_body) and not is_json(request.content_type or ""):
        raise Refusal(
            415, f"expected Content-Type: {JSON_TYPES[0]}", headers={"Accept": ", ".join(JSON_TYPES)}
        )
    return None


def _let_in() -> Response | None:
    """Find out who asks; an answer, or a Refusal, for whom nobody knows."""
    at_door = door()
    authorization = request.headers.get("Authorization", "")
    if authorization:
        user = at_door.user(authorization)
        if user is None:
            raise Refusal(401, "the token or password is wrong", headers=_challenge(at_door))
        g.user = user
        return None
    by_page = bool(at_door.credentials.token) and runtime().settings.api.dashboard
    if by_page and request.path in sign_in.OPEN:
        return None
    if by_page and _is_dashboards() and request.method in READING and sign_in.is_signed_in(at_door):
        g.user, g.signed_in = TOKEN_USER, True
        return None
    if by_page and "text/html" in request.headers.get("Accept", "") and request.path != sign_in.PASSWORD:
        if _is_dashboards():
            return sign_in.page(at_door)
        if f"{request.path}/" == sign_in.DASHBOARD or request.path == "/":
            return redirect(sign_in.DASHBOARD)
    raise Refusal(401, "a token or a password is needed", headers=_challenge(at_door))


def _is_dashboards() -> bool:
    return request.path.startswith(sign_in.DASHBOARD)


def _challenge(at_door: Door) -> dict[str, str]:
    # Where there is a page for it, browsers are not to ask for a password by themselves.
    has_page = bool(at_door.credentials.token) and _is_dashboards() and request.path != sign_in.PASSWORD
    by_browser = request.headers.get("Accept", "*/*") != "*/*"
    return {"WWW-Authenticate": BEARER if has_page and by_browser else at_door.credentials.challenges}
