"""`/api/rawdata`: all objects as in Traefik 3, plus the status of worker, store and agents."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.ejections import ejections_report
from proxy.admin.json_responses import object_response
from proxy.admin.status_reports import agents_report, diagnostic_report, store_report, worker_report

_KINDS = {
    "routers": "router",
    "middlewares": "middleware",
    "services": "service",
    "tcpRouters": "tcp router",
    "tcpMiddlewares": "tcp middleware",
    "tcpServices": "tcp service",
    "udpRouters": "udp router",
    "udpServices": "udp service",
}
"""The members with objects, and their kinds."""

rawdata = Blueprint("rawdata", __name__, url_prefix="/api")


@rawdata.get("/rawdata")
def show_rawdata() -> Response:
    """Return all objects by qualified name, and worker, store, ejections, agents and diagnostics."""
    configuration = CurrentConfiguration(runtime())
    ours: dict[str, object] = {
        "revision": runtime().applier.revision,
        "worker": worker_report(),
        "store": store_report(),
        "ejections": ejections_report(),
        "agents": agents_report(),
        "diagnostics": [diagnostic_report(item) for item in configuration.diagnostics],
    }
    return object_response(_members(configuration, ours))


def _members(configuration: CurrentConfiguration, ours: dict[str, object]) -> Iterator[tuple[str, object]]:
    for member, kind in _KINDS.items():
        yield member, _objects(configuration, kind)
    yield from ours.items()


def _objects(configuration: CurrentConfiguration, kind: str) -> Iterator[tuple[str, object]]:
    for name in configuration.in_portions(configuration.names(kind)):
        yield name, configuration.view(kind, name)
