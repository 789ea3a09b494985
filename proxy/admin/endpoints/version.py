"""`/api/version`."""

from __future__ import annotations

import platform

from flask import Blueprint

from proxy.admin.running import Json
from rondpoint import __version__

version = Blueprint("version", __name__, url_prefix="/api")


@version.get("/version")
def told() -> Json:
    """What runs here."""
    return {"Version": __version__, "Codename": "rondpoint", "pythonVersion": platform.python_version()}
