"""`GET` of `/api/http/routers`, `/api/http/services` and `/api/http/middlewares`, as in Traefik 3."""

from __future__ import annotations

from flask import Blueprint, Response

from proxy.admin.endpoints.object_pages import one_response, page_response

http_objects = Blueprint("http_objects", __name__, url_prefix="/api/http")

_KINDS = "<any(routers, services, middlewares):kind>"


@http_objects.get(f"/{_KINDS}")
def objects(kind: str) -> Response:
    """Return a page of the routers, services or middlewares."""
    return page_response(kind.removesuffix("s"))


@http_objects.get(f"/{_KINDS}/<path:name>")
def one_object(kind: str, name: str) -> Response:
    """Return one router, service or middleware by its qualified name."""
    return one_response("http", kind.removesuffix("s"), name)
