"""Imports redis-py, the store's client library, without what Rondpoint does not use of it."""

from __future__ import annotations

import sys
from importlib import import_module

_TELEMETRY = "opentelemetry"


def import_redis() -> None:
    """Import redis-py without OpenTelemetry's SDK, which it loads wherever that is installed.

    Both hold 2.5 MB and take a tenth of a second for metrics that nothing asks redis-py for. Traces import
    OpenTelemetry themselves.
    """
    if _TELEMETRY in sys.modules:
        import_module("redis")
        return
    # The import system's way to say that a module is not installed.
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        import_module("redis")
    finally:
        del sys.modules[_TELEMETRY]
