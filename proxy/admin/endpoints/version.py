"""`/api/version`."""

from __future__ import annotations

import platform
import time
from datetime import UTC, datetime

from flask import Blueprint, Response
from msgspec import Struct

from proxy.admin.json_responses import answer
from rondpoint import __version__

version = Blueprint("version", __name__, url_prefix="/api")

_STARTED = datetime.fromtimestamp(time.time(), UTC)


class Version(Struct, frozen=True):
    """The first three are Traefik's; the code's name is always `rondpoint`."""

    Version: str
    Codename: str
    startDate: datetime  # noqa: N815 (as Traefik spells it)
    pythonVersion: str  # noqa: N815


@version.get("/version")
def told() -> Response:
    """What runs here, and since when."""
    return answer(Version(__version__, "rondpoint", _STARTED, platform.python_version()))
