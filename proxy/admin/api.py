"""The read API, under Traefik 3's paths."""

from __future__ import annotations

import platform

import msgspec
from flask import Blueprint, request

from proxy.admin.asked import AskedError, read_asked
from proxy.admin.overview import Json, explanation, rawdata, runtime
from rondpoint import __version__

api = Blueprint("api", __name__, url_prefix="/api")


@api.get("/version")
def version() -> Json:
    """What runs here."""
    return {"Version": __version__, "Codename": "rondpoint", "pythonVersion": platform.python_version()}


@api.get("/explain")
def explained() -> Json | tuple[Json, int]:
    """Why `url` is served as it is; with `method`, `client`, `entryPoint`, and any number of `header`."""
    try:
        asked = read_asked(request.args, runtime().settings)
    except AskedError as error:
        return {"message": str(error)}, 400
    found: Json = msgspec.to_builtins(explanation(asked.entry_point, asked.facts))
    return found


@api.get("/rawdata")
def raw() -> Json:
    """Routers, services, middlewares, agents and diagnostics, as this worker has them."""
    return rawdata()
