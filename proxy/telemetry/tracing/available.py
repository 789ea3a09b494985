"""Whether traces can be told of: what it takes comes with the extra `otel`."""

from __future__ import annotations

from importlib.util import find_spec

MISSING = "tracing is on, but nothing is traced: it needs what `pip install 'rondpoint[otel]'` brings"


def available() -> bool:
    """Whether the packages of the extra are there."""
    try:
        return all(find_spec(name) is not None for name in ("opentelemetry.proto", "opentelemetry.sdk"))
    except ModuleNotFoundError:
        return False
