"""The endpoints of the admin entry point, one file for each family of paths, and all their blueprints."""

from __future__ import annotations

from flask import Blueprint

from proxy.admin.endpoints.certificates import certificates
from proxy.admin.endpoints.changes import changes
from proxy.admin.endpoints.dashboard import dashboard
from proxy.admin.endpoints.diagnostics import diagnostics
from proxy.admin.endpoints.entry_points import entry_points
from proxy.admin.endpoints.explain import explain
from proxy.admin.endpoints.health import health
from proxy.admin.endpoints.history import history
from proxy.admin.endpoints.home import home
from proxy.admin.endpoints.http_objects import http_objects
from proxy.admin.endpoints.instances import instances
from proxy.admin.endpoints.metrics import metrics
from proxy.admin.endpoints.openapi import openapi
from proxy.admin.endpoints.overview import overview
from proxy.admin.endpoints.rawdata import rawdata
from proxy.admin.endpoints.sign_in import sign_in
from proxy.admin.endpoints.tcp_udp import tcp_udp
from proxy.admin.endpoints.traefik1 import traefik1
from proxy.admin.endpoints.version import version

BLUEPRINTS: tuple[Blueprint, ...] = (
    home,
    dashboard,
    sign_in,
    version,
    overview,
    entry_points,
    http_objects,
    tcp_udp,
    certificates,
    rawdata,
    explain,
    diagnostics,
    instances,
    metrics,
    traefik1,
    health,
    changes,
    history,
    openapi,
)
"""All blueprints of the application."""

__all__ = ["BLUEPRINTS"]
