"""Runs a provider, and starts it again whenever it ends or fails."""

from __future__ import annotations

import logging
import threading

from discovery.connections.backoff import Backoff
from discovery.providers.contract import Provider
from discovery.providers.errors import ProviderError
from discovery.supervision.provider_states import ProviderStates
from rondpoint.configuration import Configuration

logger = logging.getLogger(__name__)

FIRST_DELAY = 0.5
LAST_DELAY = 5.0


def supervise(provider: Provider, states: ProviderStates, stop: threading.Event) -> None:
    """Run `provider` until `stop` is set; log faults, record them in `states`, and retry after a delay."""
    backoff = Backoff(FIRST_DELAY, LAST_DELAY)
    last_logged = ""

    def emit(configuration: Configuration) -> None:
        nonlocal last_logged
        # A configuration that is emitted while the provider stops may be incomplete.
        if stop.is_set():
            return
        if last_logged:
            logger.info("provider %s: available again", provider.name)
        last_logged = ""
        backoff.reset()
        states.set_configuration(provider.name, configuration)

    while not stop.is_set():
        try:
            provider.watch(emit, stop)
            message = "it ended without an error"
        except ProviderError as error:
            message = str(error)
        except Exception as failure:
            # A bug in one provider must not affect the others, nor its own last configuration.
            logger.exception("provider %s failed unexpectedly", provider.name)
            message = f"a bug in Rondpoint: {failure!r}"
        if stop.is_set():
            return
        states.set_failure(provider.name, message)
        logger.log(
            logging.DEBUG if message == last_logged else logging.WARNING,
            "provider %s: %s",
            provider.name,
            message,
        )
        last_logged = message
        stop.wait(backoff.next())
