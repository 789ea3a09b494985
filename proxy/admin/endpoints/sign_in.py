"""Sign-in to the dashboard with the token, and sign-out."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from proxy.admin.authentication import worker_authenticator
from proxy.admin.endpoints.dashboard import require_dashboard, set_security_headers
from proxy.admin.pages.sign_in import clear_session, dashboard_path, render_sign_in, set_session

LARGEST_FORM = 8 * 1024
"""Bytes of a form, which unauthenticated clients may send."""

sign_in = Blueprint("sign_in", __name__, url_prefix="/dashboard")
sign_in.before_request(require_dashboard)
sign_in.after_request(set_security_headers)


@sign_in.post("/sign-in")
def submit_token() -> Response:
    """Check the token; if it is right, start a session and redirect to the requested page."""
    authenticator = worker_authenticator()
    if not authenticator.credentials.token:
        return _redirect_to_dashboard()
    request.max_content_length = LARGEST_FORM
    try:
        token = request.form.get("token", "").strip()
    except RequestEntityTooLarge:
        token = ""
    if authenticator.token_matches(token):
        response = _redirect_to_dashboard()
        set_session(response, authenticator)
        return response
    if wait_seconds := authenticator.wait_seconds():
        return render_sign_in(
            authenticator,
            f"Too many wrong tokens. Try again in {wait_seconds} s.",
            429,
            wait_seconds,
        )
    if not token:
        return render_sign_in(authenticator, "Enter the token.")
    authenticator.record_failure(token)
    return render_sign_in(authenticator, "Wrong token.")


@sign_in.get("/sign-in")
def show_sign_in() -> Response:
    """Redirect to the dashboard, which shows the sign-in page."""
    return _redirect_to_dashboard()


@sign_in.post("/sign-out")
def sign_out() -> Response:
    """Delete the session cookie of this browser."""
    response = redirect(dashboard_path(), 303)
    clear_session(response)
    return response


@sign_in.get("/password")
def by_password() -> Response:
    """Redirect after basic authentication; the browser keeps sending the name and password."""
    return _redirect_to_dashboard()


def _redirect_to_dashboard() -> Response:
    query = request.query_string.decode("ascii", "replace")
    path = dashboard_path()
    return redirect(f"{path}?{query}" if query else path, 303)
