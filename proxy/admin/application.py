"""The Flask application of one worker."""

from __future__ import annotations

from flask import Flask, redirect
from werkzeug.wrappers import Response

from proxy.admin.api import api
from proxy.admin.dashboard import dashboard
from proxy.admin.internals import observe
from proxy.admin.metrics import metrics


def create_app() -> Flask:
    """The worker puts its `Runtime` into `config["RUNTIME"]` before the first request."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(api)
    app.register_blueprint(dashboard)
    app.register_blueprint(metrics)
    observe(app)

    @app.get("/")
    def home() -> Response:
        return redirect("/dashboard/")

    @app.get("/ping")
    def ping() -> tuple[str, int, dict[str, str]]:
        return "OK", 200, {"Content-Type": "text/plain; charset=utf-8"}

    return app
