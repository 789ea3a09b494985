"""`/api/openapi.json`: the OpenAPI document."""

from __future__ import annotations

from flask import Blueprint, Response

from proxy.admin.json_responses import json_response

openapi = Blueprint("openapi", __name__, url_prefix="/api")


@openapi.get("/openapi.json")
def openapi_response() -> Response:
    """Return the OpenAPI document of the API."""
    # Imported late, because the document is built from the types of the endpoints.
    from proxy.admin.openapi import document  # noqa: PLC0415

    return json_response(document())
