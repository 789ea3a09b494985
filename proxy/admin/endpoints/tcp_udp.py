"""`GET` of `/api/tcp` and `/api/udp`: their routers, services and middlewares, as in Traefik 3."""

from __future__ import annotations

from flask import Blueprint, Response

from proxy.admin.endpoints.object_pages import one_response, page_response

tcp_udp = Blueprint("tcp_udp", __name__, url_prefix="/api")

_TCP_KINDS = "<any(routers, services, middlewares):kind>"
_UDP_KINDS = "<any(routers, services):kind>"


@tcp_udp.get(f"/tcp/{_TCP_KINDS}")
def tcp_objects(kind: str) -> Response:
    """Return a page of the TCP routers, services or middlewares."""
    return page_response(f"tcp {kind.removesuffix('s')}")


@tcp_udp.get(f"/tcp/{_TCP_KINDS}/<path:name>")
def tcp_object(kind: str, name: str) -> Response:
    """Return one of them by its qualified name."""
    return one_response("tcp", kind.removesuffix("s"), name)


@tcp_udp.get(f"/udp/{_UDP_KINDS}")
def udp_objects(kind: str) -> Response:
    """Return a page of the UDP routers or services."""
    return page_response(f"udp {kind.removesuffix('s')}")


@tcp_udp.get(f"/udp/{_UDP_KINDS}/<path:name>")
def udp_object(kind: str, name: str) -> Response:
    """Return one of them by its qualified name."""
    return one_response("udp", kind.removesuffix("s"), name)
