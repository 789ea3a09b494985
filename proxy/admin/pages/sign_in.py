"""The page that asks for the token, and what a browser keeps of it."""

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
"""What is answered to people who are not signed in, where there is a token."""

FORM_PATHS = frozenset((SIGN_IN, SIGN_OUT))
"""What is sent as a form, by pages of ours alone."""


def render_sign_in(
    authenticator: Authenticator, message: str = "", status: int = 401, wait: int = 0
) -> Response:
    """`message` says what was wrong with the last try, after which there is none for `wait` seconds."""
    response = make_response(
        render_template(
            "dashboard/sign_in.html",
            message=message,
            query=request.query_string.decode("ascii", "replace"),
            by_password=authenticator.credentials.has_users,
            # SameSite keeps the session from a request that a page of another site has begun.
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
    """Whether the browser has kept what it was given, and it still holds."""
    session = request.cookies.get(_cookie(), "")
    return bool(session and authenticator.credentials.token) and authenticator.sessions.is_valid(session)


def set_session(response: Response, authenticator: Authenticator) -> None:
    """Have the browser keep a session, for the dashboard alone: other paths of this host may be others'."""
    response.set_cookie(
        _cookie(),
        authenticator.sessions.issue(),
        max_age=LIFETIME,
        path=DASHBOARD,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def clear_session(response: Response) -> None:
    """Have the browser keep nothing."""
    response.delete_cookie(
        _cookie(), path=DASHBOARD, secure=request.is_secure, httponly=True, samesite="Strict"
    )


def _cookie() -> str:
    """A browser has one jar for all ports of a host, on which there may be several proxies."""
    try:
        port = urlsplit(f"//{request.host}").port
    except ValueError:
        port = None
    return f"rondpoint-{port}" if port else "rondpoint"
