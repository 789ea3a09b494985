"""`/api/entrypoints`: the entry points of this proxy."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal, json_response, list_response
from proxy.admin.paging import NEXT, PageError, page_of
from proxy.admin.views.entry_points import EntryPointView, entry_point_view
from proxy.middlewares.chains import ChainError
from rondpoint.entry_points.options import NO_OPTIONS

entry_points = Blueprint("entry_points", __name__, url_prefix="/api/entrypoints")


@entry_points.get("")
def list_entry_points() -> Response:
    """Return a page of the entry points, including the admin one."""
    names = sorted(runtime().settings.entry_points)
    try:
        page = page_of(names, request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    return list_response([_view(name) for name in page.items], {NEXT: str(page.next)})


@entry_points.get("/<path:name>")
def show_entry_point(name: str) -> Response:
    """Return one entry point."""
    if name not in runtime().settings.entry_points:
        raise Refusal(404, f"entry point not found: {name}")
    return json_response(_view(name))


def _view(name: str) -> EntryPointView:
    worker = runtime()
    settings = worker.settings
    middlewares = worker.entry_point_options.get(name, NO_OPTIONS).middlewares
    fault = settings.closed_reason(name)
    if not fault:
        try:
            worker.context.chains.compile_chain(middlewares, "entry point", name)
        except ChainError as error:
            fault = str(error)
    return entry_point_view(name, settings.entry_points[name], settings.limits.head_bytes, middlewares, fault)
