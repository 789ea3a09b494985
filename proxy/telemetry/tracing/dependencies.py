"""Checks that the packages of the extra `otel`, which tracing needs, are installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rondpoint.settings import Tracing

MISSING = (
    "tracing is on, but nothing is traced: packages of Rondpoint's extra `otel` are missing "
    "(`pip install '.[otel]'` in a clone)"
)


def packages_installed(options: Tracing) -> bool:
    """Return whether the packages that these settings need are installed."""
    names = ["opentelemetry.proto", "opentelemetry.sdk", *(["h2"] if options.otlp.grpc is not None else [])]
    try:
        return all(find_spec(name) is not None for name in names)
    except ModuleNotFoundError:
        return False
