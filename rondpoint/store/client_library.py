"""Imports redis-py, the store's client library, without what Rondpoint does not use of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

_TELEMETRY = "opentelemetry"
_ASYNCIO_HALF = "redis.asyncio"
_RECORDER = "redis.asyncio.observability.recorder"
"""The only part of that half from which the other half takes functions when it is imported."""


def import_redis() -> None:
    """Import redis-py without OpenTelemetry's SDK, and without its half for asyncio.

    It loads that SDK wherever it is installed; both hold 2.5 MB and take a tenth of a second for metrics that
    nothing asks redis-py for. Traces import OpenTelemetry themselves. The half for asyncio takes 1.3 MB and
    15 ms; it is imported when something uses it.
    """
    if "redis" in sys.modules:
        return
    with _telemetry_hidden():
        try:
            _import_without_asyncio()
        except ImportError:
            # A version whose halves are joined in another way.
            import_module("redis")


@contextmanager
def _telemetry_hidden() -> Iterator[None]:
    if _TELEMETRY in sys.modules:
        yield
        return
    # The import system's way to say that a module is not installed.
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]


def _import_without_asyncio() -> None:
    sys.modules[_ASYNCIO_HALF] = ModuleType(_ASYNCIO_HALF)
    sys.modules[_RECORDER] = _DeferredFunctions(_RECORDER)
    try:
        redis = import_module("redis")
    finally:
        del sys.modules[_ASYNCIO_HALF], sys.modules[_RECORDER]
    # Code that reads this attribute gets the real module.
    del redis.asyncio
    redis.__getattr__ = _missing_attribute  # type: ignore[method-assign]


class _DeferredFunctions(ModuleType):
    """Stands in for a module: its functions import the real one when they are called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return partial(_import_and_call, self.__name__, name)


def _import_and_call(module: str, name: str, *args: object, **kwargs: object) -> Any:
    return getattr(import_module(module), name)(*args, **kwargs)


def _missing_attribute(name: str) -> ModuleType:
    if name == "asyncio":
        return import_module(_ASYNCIO_HALF)
    raise AttributeError(f"module 'redis' has no attribute {name!r}")
