"""The Flask application of one worker."""

from __future__ import annotations

from flask import Flask

from proxy.admin.endpoints import BLUEPRINTS


def create_app() -> Flask:
    """The worker puts its `Runtime` into `config["RUNTIME"]` before the first request."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
