"""`/api/openapi.json`."""

from __future__ import annotations

from flask import Blueprint, Response

from proxy.admin.json_responses import json_response

openapi = Blueprint("openapi", __name__, url_prefix="/api")


@openapi.get("/openapi.json")
def openapi_response() -> Response:
    """What the API is, for programs."""
    # Built from the endpoints' own types.
    from proxy.admin.openapi import document  # noqa: PLC0415

    return json_response(document())
