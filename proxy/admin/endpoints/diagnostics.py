"""`/api/diagnostics`: errors in the configuration, and the reasons why containers are not routed."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.diagnostic_filters import filter_diagnostics
from proxy.admin.json_responses import Refusal, list_response
from proxy.admin.paging import NEXT, PageError, page_of
from proxy.admin.status_reports import diagnostic_report

diagnostics = Blueprint("diagnostics", __name__, url_prefix="/api")


@diagnostics.get("/diagnostics")
def list_diagnostics() -> Response:
    """Return a page of diagnostics sorted by source; filters: `severity`, `source`, `search`, `unrouted`."""
    configuration = CurrentConfiguration(runtime())
    try:
        page = page_of(filter_diagnostics(configuration, request.args), request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    items = (diagnostic_report(item) for item in configuration.in_portions(page.items))
    return list_response(items, {NEXT: str(page.next)})
