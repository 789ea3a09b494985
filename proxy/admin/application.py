"""The Flask application that serves the admin entry point of one worker."""

from __future__ import annotations

from functools import partial

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from proxy.admin.authorisation import install
from proxy.admin.endpoints import BLUEPRINTS
from proxy.admin.json_responses import Refusal, error_response
from proxy.admin.wsgi_bridge import run

LARGEST_BODY = 16 << 20
"""Bytes of a request body."""


def create_app() -> Flask:
    """Return the application; the worker sets `config["RUNTIME"]` to its `Runtime` before any request.

    `config["RESPOND"]` returns the response to a request of the data path.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["RESPOND"] = partial(run, app)
    install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.after_request(_set_security_headers)
    app.register_error_handler(Refusal, error_response)
    app.register_error_handler(HTTPException, _error_response)
    return app


def _set_security_headers(response: Response) -> Response:
    """Forbid other sites' pages to guess the content type of a response, to frame it or to cache it."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _error_response(error: HTTPException) -> Response:
    """Convert an error of Flask to the API's form; return other responses, such as redirects, unchanged."""
    if error.code is None or error.code < 400:
        return error.get_response()
    headers = {
        name: value
        for name, value in error.get_response().headers.items()
        if name.lower() not in ("content-type", "content-length")
    }
    return error_response(Refusal(error.code, error.description or error.name, headers=headers))
