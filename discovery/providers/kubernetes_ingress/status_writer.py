"""Writes the status of Ingresses, in a thread of its own, so that routes never wait for it."""

from __future__ import annotations

import logging
import queue
import threading

from discovery.kubernetes.client import Client, Object
from discovery.kubernetes.errors import BadResponseError, ClosedError, KubernetesError, MissingError
from discovery.kubernetes.resources import INGRESSES

logger = logging.getLogger(__name__)


class StatusWriter:
    """Sends each given Ingress with its new status to the API server, in the order of the calls.

    A failed write is logged, each reason once in a row. The next change of the Ingress leads to another one.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: queue.SimpleQueue[Object | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="kubernetes-status", daemon=True)
        self._last_logged = ""
        self._thread.start()

    def close(self) -> None:
        """Stop to write, and wait for the thread to end."""
        self._client.abort()
        self._waiting.put(None)
        self._thread.join()
        self._client.close()

    def write(self, item: Object) -> None:
        """Write the status of this Ingress."""
        self._waiting.put(item)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            metadata = item["metadata"]
            try:
                self._client.put_status(INGRESSES, item)
                self._last_logged = ""
            except ClosedError:
                return
            except (BadResponseError, MissingError) as error:
                # Mostly, another client has changed or deleted the Ingress, and an event tells it.
                logger.info("status of Ingress %s/%s: %s", metadata.get("namespace"), metadata["name"], error)
            except KubernetesError as error:
                level = logging.DEBUG if error.message == self._last_logged else logging.WARNING
                logger.log(level, "the status of Ingresses cannot be written: %s", error)
                self._last_logged = error.message
