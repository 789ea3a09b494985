"""Follows a source over connections that end from time to time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from discovery.connections.outages import STABLE_SECONDS
from discovery.http_client.errors import HttpError
from discovery.providers.errors import ProviderError

logger = logging.getLogger(__name__)


def follow_with_reconnection(provider: str, follow: Callable[[], None], stop: threading.Event) -> None:
    """Call `follow`, which connects, reads everything and follows changes, until `stop`.

    Raises ProviderError if `follow` raises HttpError soon after its start.
    """
    while not stop.is_set():
        opened = time.monotonic()
        try:
            follow()
        except HttpError as error:
            if stop.is_set():
                return
            if time.monotonic() - opened < STABLE_SECONDS:
                raise ProviderError(error.message, error.hint) from error
            logger.info("provider %s: %s; reading everything again", provider, error.message)
