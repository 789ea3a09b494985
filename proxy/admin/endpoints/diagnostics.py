"""`/api/diagnostics`: what users got wrong, and why containers are not routed."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.answers import Refusal, answer_list
from proxy.admin.paging import NEXT, PageError, page_of
from proxy.admin.present import Present
from proxy.admin.reports import diagnostic_report
from proxy.admin.running import runtime
from rondpoint.diagnostics import Diagnostic

diagnostics = Blueprint("diagnostics", __name__, url_prefix="/api")


@diagnostics.get("/diagnostics")
def found() -> Response:
    """A page of them, in order of source; `severity`, `source` and `search` choose among them."""
    present = Present(runtime())
    severity, source = request.args.get("severity", "").lower(), request.args.get("source", "")
    search = request.args.get("search", "").lower()
    wanted = [
        item
        for item in present.in_portions(present.diagnostics)
        if (not severity or item.severity.value == severity)
        and (not source or item.source == source)
        and (not search or search in _words(item))
    ]
    try:
        page = page_of(wanted, request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    items = (diagnostic_report(item) for item in present.in_portions(page.items))
    return answer_list(items, {NEXT: str(page.next)})


def _words(item: Diagnostic) -> str:
    return f"{item.subject} {item.message} {item.hint}".lower()
