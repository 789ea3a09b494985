"""Follows an engine over breaks of its event stream."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from discovery.connections.outages import STABLE_SECONDS
from discovery.connections.stopping import on_stop
from discovery.providers.docker_engine.engine import Engine
from discovery.providers.errors import ProviderError

logger = logging.getLogger(__name__)

AnEngine = TypeVar("AnEngine", bound=Engine)


def follow_engine(
    connect: Callable[[], AnEngine], follow: Callable[[AnEngine], None], endpoint: str, stop: threading.Event
) -> None:
    """Connect and call `follow` until `stop`, each time that the event stream has ended.

    Raises ProviderError if the engine cannot be reached, or if its stream ends at once.
    """
    while not stop.is_set():
        opened = time.monotonic()
        with connect() as engine, on_stop(stop, engine.end_events):
            follow(engine)
        if stop.is_set():
            return
        if time.monotonic() - opened < STABLE_SECONDS:
            raise ProviderError(f"the event stream of the Docker engine at {endpoint} ended")
        logger.info("the Docker engine's event stream ended; opening it again")
