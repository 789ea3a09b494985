"""Work beside the requests, that a fault of ours must not end: without it a worker would go on blindly."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds until what has failed begins anew."""


def supervised(run: Callable[[], None]) -> None:
    """Call `run` until it returns; whenever it raises, that is told, and it is called again."""
    while True:
        try:
            run()
            return
        except Exception:
            log.exception("what runs beside the requests failed unexpectedly, and begins anew")
        gevent.sleep(PAUSE)
