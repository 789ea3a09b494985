"""Writes the statuses of objects, in a thread of its own, so that routes never wait for it."""

from __future__ import annotations

import logging
import queue
import threading

from discovery.kubernetes.client import Client, Object
from discovery.kubernetes.errors import BadResponseError, ClosedError, KubernetesError, MissingError
from discovery.kubernetes.objects import name_of
from discovery.kubernetes.resources import Resource
from discovery.leadership import Leadership

logger = logging.getLogger(__name__)


class StatusWriter:
    """Sends each given object with its new status to the API server, in the order of the calls.

    What waits when this agent loses the leadership is not written. A failed write is logged, each reason once
    in a row. The next change of the object leads to another one.
    """

    def __init__(self, client: Client, leadership: Leadership) -> None:
        self._client = client
        self._leadership = leadership
        self._waiting: queue.SimpleQueue[tuple[Resource, Object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="kubernetes-status", daemon=True)
        self._last_logged = ""
        self._thread.start()

    def close(self) -> None:
        """Stop to write, and wait for the thread to end."""
        self._client.abort()
        self._waiting.put(None)
        self._thread.join()
        self._client.close()

    def write(self, resource: Resource, item: Object) -> None:
        """Write the status of this object."""
        self._waiting.put((resource, item))

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            if not self._leadership.held:
                continue
            resource, item = waiting
            try:
                self._client.put_status(resource, item)
                self._last_logged = ""
            except ClosedError:
                return
            except (BadResponseError, MissingError) as error:
                # Mostly, another client has changed or deleted the object, and an event tells it.
                logger.info(
                    "status of %s %s: %s", resource.kind, "/".join(filter(None, name_of(item))), error
                )
            except KubernetesError as error:
                level = logging.DEBUG if error.message == self._last_logged else logging.WARNING
                logger.log(
                    level, "the status of objects of kind %s cannot be written: %s", resource.kind, error
                )
                self._last_logged = error.message
