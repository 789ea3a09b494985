"""`/api/rawdata`: everything at once, as in Traefik 3, with our own beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Blueprint, Response

from proxy.admin.current_configuration import Present
from proxy.admin.current_worker import runtime
from proxy.admin.ejections import ejections_report
from proxy.admin.json_responses import answer_members
from proxy.admin.status_reports import agents_report, diagnostic_report, store_report, worker_report

rawdata = Blueprint("rawdata", __name__, url_prefix="/api")


@rawdata.get("/rawdata")
def everything() -> Response:
    """Routers, services and middlewares by qualified name; worker, store, ejections, agents, diagnostics."""
    present = Present(runtime())
    ours: dict[str, object] = {
        "revision": runtime().applier.revision,
        "worker": worker_report(),
        "store": store_report(),
        "ejections": ejections_report(),
        "agents": agents_report(),
        "diagnostics": [diagnostic_report(item) for item in present.diagnostics],
    }
    return answer_members(_members(present, ours))


def _members(present: Present, ours: dict[str, object]) -> Iterator[tuple[str, object]]:
    yield "routers", _objects(present, "router", present.router)
    yield "middlewares", _objects(present, "middleware", present.middleware)
    yield "services", _objects(present, "service", present.service)
    yield from ours.items()


def _objects(present: Present, kind: str, view: Callable[[str], object]) -> Iterator[tuple[str, object]]:
    for name in present.in_portions(present.names(kind)):
        yield name, view(name)
