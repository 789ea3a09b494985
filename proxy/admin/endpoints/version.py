"""`/api/version`: the version and start time of this worker."""

from __future__ import annotations

import platform
import time
from datetime import UTC, datetime

from flask import Blueprint, Response
from msgspec import Struct

from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import json_response
from rondpoint import __version__

version = Blueprint("version", __name__, url_prefix="/api")

_STARTED = datetime.fromtimestamp(time.time(), UTC)


class Version(Struct, frozen=True, omit_defaults=True):
    """The fields are Traefik's, and `pythonVersion`; `Codename` is always `rondpoint`.

    `dashboardName` is there if it is set.
    """

    Version: str
    Codename: str
    startDate: datetime  # noqa: N815 (as Traefik spells it)
    pythonVersion: str  # noqa: N815
    dashboardName: str = ""  # noqa: N815


@version.get("/version")
def show_version() -> Response:
    """Return the version and start time."""
    name = runtime().settings.api.dashboard_name
    return json_response(Version(__version__, "rondpoint", _STARTED, platform.python_version(), name))
