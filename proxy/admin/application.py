"""The Flask application of one worker."""

from __future__ import annotations

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from proxy.admin.authorisation import install
from proxy.admin.endpoints import BLUEPRINTS
from proxy.admin.internal_requests import observe
from proxy.admin.json_responses import Refusal, refused

LARGEST_BODY = 16 << 20
"""Bytes of what may be sent to the API."""


def create_app() -> Flask:
    """The worker puts its `Runtime` into `config["RUNTIME"]` before the first request."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    # Ahead of all else, so that what is refused is told of too.
    observe(app)
    install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.after_request(_guarded)
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, _told)
    return app


def _guarded(response: Response) -> Response:
    """What no page of another site should do with an answer: guess its type, frame it, or keep it."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _told(error: HTTPException) -> Response:
    """What Flask itself answers, in the API's form; what is no error, such as a redirection, as it is."""
    if error.code is None or error.code < 400:
        return error.get_response()
    headers = {
        name: value
        for name, value in error.get_response().headers.items()
        if name.lower() not in ("content-type", "content-length")
    }
    return refused(Refusal(error.code, error.description or error.name, headers=headers))
