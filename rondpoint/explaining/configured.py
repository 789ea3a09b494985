"""What a request is explained by."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Middleware, Router, Service


class Configured(Struct, frozen=True):
    """What is in force; `default_entry_points` serve routers that name none."""

    routers: Mapping[str, Router]
    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    diagnostics: Collection[Diagnostic]
    default_entry_points: Collection[str]
