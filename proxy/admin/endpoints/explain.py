"""`/api/explain`."""

from __future__ import annotations

import msgspec
from flask import Blueprint, request

from proxy.admin.asked import AskedError, read_asked
from proxy.admin.overview import explanation
from proxy.admin.running import Json, runtime

explain = Blueprint("explain", __name__, url_prefix="/api")


@explain.get("/explain")
def explained() -> Json | tuple[Json, int]:
    """Why `url` is served as it is; with `method`, `client`, `entryPoint`, and any number of `header`."""
    try:
        asked = read_asked(request.args, runtime().settings)
    except AskedError as error:
        return {"message": str(error)}, 400
    found: Json = msgspec.to_builtins(explanation(asked.entry_point, asked.facts))
    return found
