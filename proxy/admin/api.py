"""The read API, under Traefik 3's paths."""

from __future__ import annotations

import platform

from flask import Blueprint

from proxy.admin.overview import Json, rawdata
from rondpoint import __version__

api = Blueprint("api", __name__, url_prefix="/api")


@api.get("/version")
def version() -> Json:
    """What runs here."""
    return {"Version": __version__, "Codename": "rondpoint", "pythonVersion": platform.python_version()}


@api.get("/rawdata")
def raw() -> Json:
    """Routers, services, middlewares, agents and diagnostics, as this worker has them."""
    return rawdata()
