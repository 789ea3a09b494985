"""Signing in to the dashboard with the token, and out."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from proxy.admin.authentication import door
from proxy.admin.endpoints.dashboard import guarded, wanted
from proxy.admin.pages.sign_in import DASHBOARD, forget, keep, page

LARGEST_FORM = 8 * 1024
"""Bytes of what anybody may send here."""

sign_in = Blueprint("sign_in", __name__, url_prefix="/dashboard")
sign_in.before_request(wanted)
sign_in.after_request(guarded)


@sign_in.post("/sign-in")
def enter() -> Response:
    """With the right token, to the page that was asked for at first."""
    at_door = door()
    if not at_door.credentials.token:
        return _back()
    request.max_content_length = LARGEST_FORM
    try:
        shown = request.form.get("token", "").strip()
    except RequestEntityTooLarge:
        shown = ""
    if at_door.is_token(shown):
        response = _back()
        keep(response, at_door)
        return response
    if wait := at_door.wait():
        return page(at_door, f"There were too many wrong tokens. Try again in {wait} s.", 429, wait)
    if not shown:
        return page(at_door, "Enter the token.")
    at_door.wrong(shown)
    return page(at_door, "That is not the token.")


@sign_in.get("/sign-in")
def start() -> Response:
    """The dashboard itself asks for the token."""
    return _back()


@sign_in.post("/sign-out")
def leave() -> Response:
    """The session is forgotten by this browser."""
    response = redirect(DASHBOARD, 303)
    forget(response)
    return response


@sign_in.get("/password")
def by_password() -> Response:
    """Reached with a name and a password, which the browser goes on showing."""
    return _back()


def _back() -> Response:
    query = request.query_string.decode("ascii", "replace")
    return redirect(f"{DASHBOARD}?{query}" if query else DASHBOARD, 303)
