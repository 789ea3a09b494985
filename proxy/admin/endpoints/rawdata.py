"""`/api/rawdata`."""

from __future__ import annotations

from flask import Blueprint

from proxy.admin.overview import rawdata
from proxy.admin.running import Json

raw = Blueprint("rawdata", __name__, url_prefix="/api")


@raw.get("/rawdata")
def everything() -> Json:
    """Routers, services, middlewares, agents and diagnostics, as this worker has them."""
    return rawdata()
