"""What the admin entry point answers: a file for each family of paths, and the list of all that is served."""

from __future__ import annotations

from flask import Blueprint

from proxy.admin.endpoints.dashboard import dashboard
from proxy.admin.endpoints.explain import explain
from proxy.admin.endpoints.home import home
from proxy.admin.endpoints.rawdata import raw
from proxy.admin.endpoints.version import version

BLUEPRINTS: tuple[Blueprint, ...] = (home, version, raw, explain, dashboard)
"""The one place where a family of paths is added."""

__all__ = ["BLUEPRINTS"]
