"""Keeping a provider at work: whatever ends it, it is started again."""

from __future__ import annotations

import logging
import threading

from discovery.providers.contract import Provider
from discovery.providers.errors import ProviderError
from discovery.supervision.backoff import Backoff
from discovery.supervision.provider_states import ProviderStates
from rondpoint.model import Configuration

logger = logging.getLogger(__name__)

FIRST_DELAY = 0.5
LAST_DELAY = 5.0


def supervise(provider: Provider, board: ProviderStates, stop: threading.Event) -> None:
    """Run `provider` until `stop`; its faults are logged, shown on `board`, and waited out."""
    backoff = Backoff(FIRST_DELAY, LAST_DELAY)
    told = ""

    def emit(configuration: Configuration) -> None:
        nonlocal told
        # What a provider says while it is being stopped may be half of what there is.
        if stop.is_set():
            return
        if told:
            logger.info("provider %s: back at work", provider.name)
        told = ""
        backoff.reset()
        board.emitted(provider.name, configuration)

    while not stop.is_set():
        try:
            provider.watch(emit, stop)
            message = "it ended by itself"
        except ProviderError as error:
            message = str(error)
        except Exception as error:
            # A fault of ours in one provider must leave the others, and its own last word, in force.
            logger.exception("provider %s failed unexpectedly", provider.name)
            message = f"a fault of Rondpoint: {error!r}"
        if stop.is_set():
            return
        board.failed(provider.name, message)
        logger.log(
            logging.DEBUG if message == told else logging.WARNING, "provider %s: %s", provider.name, message
        )
        told = message
        stop.wait(backoff.next())
