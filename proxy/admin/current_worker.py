"""The worker that a request to the admin entry point has come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import current_app

if TYPE_CHECKING:
    from proxy.runtime import Runtime

Json = dict[str, Any]


def runtime() -> Runtime:
    """The running worker's parts."""
    return cast("Runtime", current_app.config["RUNTIME"])
