"""`/api/tcp` and `/api/udp`: lists without items, for tools that ask for them. Only HTTP is served."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.json_responses import Refusal, answer_list
from proxy.admin.paging import NEXT, PageError, page_of

nothing = Blueprint("nothing", __name__, url_prefix="/api")

_KINDS = {"tcp": ("routers", "services", "middlewares"), "udp": ("routers", "services")}


@nothing.get("/<any(tcp, udp):protocol>/<any(routers, services, middlewares):kind>")
def none(protocol: str, kind: str) -> Response:
    """The empty list."""
    if kind not in _KINDS[protocol]:
        raise Refusal(404, "page not found")
    try:
        page: object = page_of((), request.args).next
    except PageError as error:
        raise Refusal(400, str(error)) from None
    return answer_list((), {NEXT: str(page)})


@nothing.get("/<any(tcp, udp):protocol>/<any(routers, services, middlewares):kind>/<path:name>")
def no_one(protocol: str, kind: str, name: str) -> Response:
    """Always a 404."""
    raise Refusal(404, f"{kind.removesuffix('s')} not found: {name}")
