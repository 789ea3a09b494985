"""Authorises each request to the admin entry point before its endpoint runs."""

from __future__ import annotations

from flask import Flask, g, redirect, request
from werkzeug.wrappers import Response

from proxy.admin.authentication import Authenticator, worker_authenticator
from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal
from proxy.admin.pages import sign_in
from proxy.admin.wsgi_bridge import ROUTED
from proxy.authentication.credentials import BEARER, TOKEN_USER
from proxy.authentication.request_origin import (
    JSON_TYPES,
    SAFE_METHODS,
    is_cross_origin,
    is_json,
    is_local_name,
)
from rondpoint.settings import ADMIN
from rondpoint.settings.access import AdminAccess, admin_access, routed_access

OPEN_PATHS = frozenset(("/ping",))
"""Paths that need no authorisation, because their responses reveal nothing."""

_HINT = "set api.token or api.basicAuth.users"


def install(app: Flask) -> None:
    """Make the application authorise every request first."""
    app.before_request(_authorise)


def _authorise() -> Response | None:
    if request.path in OPEN_PATHS:
        return None
    g.user = ""
    g.signed_in = False
    settings = runtime().settings
    if request.environ.get(ROUTED):
        access_level = routed_access(settings)
    elif closed := settings.closed_reason(ADMIN):
        raise Refusal(503, closed)
    else:
        access_level = admin_access(settings)
    if access_level is AdminAccess.CLOSED:
        raise Refusal(403, f"access here needs a token or a password: {_HINT}")
    if access_level is AdminAccess.OPEN and not is_local_name(request.host):
        raise Refusal(403, f"{request.host!r} is not a name of this machine: use localhost or an IP address")
    if access_level is AdminAccess.AUTHENTICATED and (response := _authenticate()):
        return response
    if request.method in SAFE_METHODS:
        return None
    if access_level is AdminAccess.READ_ONLY:
        raise Refusal(403, f"changes need a token or a password: {_HINT}")
    if is_cross_origin(
        request.host, request.headers.get("Origin", ""), request.headers.get("Sec-Fetch-Site", "")
    ):
        raise Refusal(403, "a page of another site may not change anything here")
    if request.path in sign_in.FORM_PATHS:
        return None
    if settings.api.read_only:
        raise Refusal(403, "changes are refused: api.readOnly is set")
    # An HTML form can send a POST, but not with a JSON type. Browsers check other methods with a preflight.
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if (request.method == "POST" or has_body) and not is_json(request.content_type or ""):
        raise Refusal(
            415, f"expected Content-Type: {JSON_TYPES[0]}", headers={"Accept": ", ".join(JSON_TYPES)}
        )
    return None


def _authenticate() -> Response | None:
    """Identify the user and set `g.user`.

    Return a response if the browser should show the sign-in page instead. Raises Refusal for wrong or missing
    credentials.
    """
    authenticator = worker_authenticator()
    authorization = request.headers.get("Authorization", "")
    if authorization:
        user = authenticator.authenticate(authorization)
        if user is None:
            raise Refusal(401, "the token or password is wrong", headers=_challenge(authenticator))
        g.user = user
        return None
    has_sign_in_page = bool(authenticator.credentials.token) and runtime().settings.api.dashboard
    if has_sign_in_page and request.path in sign_in.PUBLIC_PATHS:
        return None
    if (
        has_sign_in_page
        and _is_dashboard_path()
        and request.method in SAFE_METHODS
        and sign_in.is_signed_in(authenticator)
    ):
        g.user, g.signed_in = TOKEN_USER, True
        return None
    if (
        has_sign_in_page
        and "text/html" in request.headers.get("Accept", "")
        and request.path != sign_in.PASSWORD
    ):
        if _is_dashboard_path():
            return sign_in.render_sign_in(authenticator)
        if f"{request.path}/" == sign_in.DASHBOARD or request.path == "/":
            return redirect(sign_in.dashboard_path())
    raise Refusal(401, "a token or a password is needed", headers=_challenge(authenticator))


def _is_dashboard_path() -> bool:
    return request.path.startswith(sign_in.DASHBOARD)


def _challenge(authenticator: Authenticator) -> dict[str, str]:
    # With a sign-in page, browsers must not open their own password dialog.
    has_page = (
        bool(authenticator.credentials.token) and _is_dashboard_path() and request.path != sign_in.PASSWORD
    )
    by_browser = request.headers.get("Accept", "*/*") != "*/*"
    return {"WWW-Authenticate": BEARER if has_page and by_browser else authenticator.credentials.challenges}
