"""Restarts background tasks that fail unexpectedly, so that no worker continues without them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds before a failed task starts again."""


def supervised(run: Callable[[], None]) -> None:
    """Call `run` until it returns; after an exception, log it and call `run` again."""
    while True:
        try:
            run()
            return
        except Exception:
            log.exception("a background task failed unexpectedly and starts again")
        gevent.sleep(PAUSE)
