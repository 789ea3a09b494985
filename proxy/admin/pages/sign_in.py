"""The sign-in page and the session cookie of the dashboard."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import make_response, render_template, request
from werkzeug.wrappers import Response

from proxy.admin.authentication import Authenticator
from proxy.authentication.credentials import BEARER
from proxy.authentication.sessions import LIFETIME

DASHBOARD = "/dashboard/"

SIGN_IN, SIGN_OUT, PASSWORD = f"{DASHBOARD}sign-in", f"{DASHBOARD}sign-out", f"{DASHBOARD}password"

PUBLIC_PATHS = frozenset(
    (SIGN_IN, SIGN_OUT, *(f"{DASHBOARD}static/{name}" for name in ("colours.css", "sign-in.css", "icon.svg")))
)
"""Paths that are served without a session if a token is set."""

FORM_PATHS = frozenset((SIGN_IN, SIGN_OUT))
"""Paths that accept HTML forms, from the dashboard's own pages only."""


def dashboard_path() -> str:
    """Return the path of the dashboard as the browser sees it, with `api.basePath`."""
    return f"{request.script_root}{DASHBOARD}"


def render_sign_in(
    authenticator: Authenticator, message: str = "", status: int = 401, wait: int = 0
) -> Response:
    """Return the sign-in page.

    `message` explains why the last attempt failed. The client has to wait `wait` seconds before the next one.
    """
    response = make_response(
        render_template(
            "dashboard/sign_in.html",
            message=message,
            query=request.query_string.decode("ascii", "replace"),
            by_password=authenticator.credentials.has_users,
            # After a link on another site, the browser does not send the session cookie, because of SameSite.
            from_elsewhere=request.headers.get("Sec-Fetch-Site") == "cross-site",
        ),
        status,
    )
    if status == 401:
        response.headers["WWW-Authenticate"] = BEARER
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def is_signed_in(authenticator: Authenticator) -> bool:
    """Return whether the browser sent a valid session."""
    session = request.cookies.get(_cookie(), "")
    return bool(session and authenticator.credentials.token) and authenticator.sessions.is_valid(session)


def set_session(response: Response, authenticator: Authenticator) -> None:
    """Set the session cookie for the dashboard's path only: other paths may belong to other programs."""
    response.set_cookie(
        _cookie(),
        authenticator.sessions.issue(),
        max_age=LIFETIME,
        path=dashboard_path(),
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def clear_session(response: Response) -> None:
    """Delete the session cookie."""
    response.delete_cookie(
        _cookie(), path=dashboard_path(), secure=request.is_secure, httponly=True, samesite="Strict"
    )


def _cookie() -> str:
    """Return the cookie's name with the port: browsers share cookies between all ports of a host."""
    try:
        port = urlsplit(f"//{request.host}").port
    except ValueError:
        port = None
    return f"rondpoint-{port}" if port else "rondpoint"
