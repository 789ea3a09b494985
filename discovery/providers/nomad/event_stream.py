"""Reads the event stream in a thread of its own, and hands over what has arrived."""

from __future__ import annotations

import queue
import threading
from types import TracebackType

from discovery.http_client.errors import HttpError
from discovery.providers.nomad.client import NomadClient
from discovery.providers.nomad.values import Event


class EventStream:
    """An event stream inside `with`; its client is used by nobody else."""

    def __init__(self, client: NomadClient, topics: tuple[str, ...]) -> None:
        self._client = client
        self._topics = topics
        self._received: queue.SimpleQueue[tuple[Event, ...] | HttpError] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="nomad-events", daemon=True)

    def __enter__(self) -> EventStream:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.abort()
        self._thread.join()
        self._client.close()

    def take(self, timeout: float | None) -> list[Event]:
        """Wait for events, `timeout` seconds at most, and return all that have arrived.

        Raises HttpError if the stream has ended.
        """
        events: list[Event] = []
        try:
            received = self._received.get(timeout=timeout)
        except queue.Empty:
            return events
        while True:
            if isinstance(received, HttpError):
                raise received
            events += received
            if self._received.empty():
                return events
            received = self._received.get()

    def _run(self) -> None:
        try:
            for events in self._client.events(self._topics):
                if events:
                    self._received.put(events)
            self._received.put(HttpError("the event stream of Nomad ended"))
        except HttpError as error:
            self._received.put(error)
        except Exception as error:  # noqa: BLE001 - `take` raises it in the thread that waits
            self._received.put(HttpError(f"the event stream of Nomad failed: {error!r}"))
