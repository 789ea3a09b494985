"""Checks that the packages of the extra `otel`, which tracing needs, are installed."""

from __future__ import annotations

from importlib.util import find_spec

MISSING = (
    "tracing is on, but nothing is traced: packages of Rondpoint's extra `otel` are missing "
    "(`pip install '.[otel]'` in a clone)"
)


def packages_installed() -> bool:
    """Return whether the packages that tracing needs are installed."""
    try:
        return all(find_spec(name) is not None for name in ("opentelemetry.proto", "opentelemetry.sdk"))
    except ModuleNotFoundError:
        return False
