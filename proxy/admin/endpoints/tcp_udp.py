"""`/api/tcp` and `/api/udp`: empty lists for tools that read them, because Rondpoint serves only HTTP."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.json_responses import Refusal, list_response
from proxy.admin.paging import NEXT, PageError, page_of

tcp_udp = Blueprint("nothing", __name__, url_prefix="/api")

_KINDS = {"tcp": ("routers", "services", "middlewares"), "udp": ("routers", "services")}


@tcp_udp.get("/<any(tcp, udp):protocol>/<any(routers, services, middlewares):kind>")
def empty_list(protocol: str, kind: str) -> Response:
    """Return an empty list."""
    if kind not in _KINDS[protocol]:
        raise Refusal(404, "page not found")
    try:
        page: object = page_of((), request.args).next
    except PageError as error:
        raise Refusal(400, str(error)) from None
    return list_response((), {NEXT: str(page)})


@tcp_udp.get("/<any(tcp, udp):protocol>/<any(routers, services, middlewares):kind>/<path:name>")
def not_found(protocol: str, kind: str, name: str) -> Response:
    """Respond with 404."""
    raise Refusal(404, f"{kind.removesuffix('s')} not found: {name}")
