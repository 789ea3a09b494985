"""Gives access to the worker that handles the current request to the admin entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import current_app

if TYPE_CHECKING:
    from proxy.runtime import Runtime

Json = dict[str, Any]


def runtime() -> Runtime:
    """Return the runtime of this worker."""
    return cast("Runtime", current_app.config["RUNTIME"])
