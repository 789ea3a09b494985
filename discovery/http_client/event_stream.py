"""Reads an event stream in a thread of its own, and hands over what has arrived."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from discovery.http_client.errors import HttpError

T = TypeVar("T")


class Closable(Protocol):
    """A client whose calls another thread can interrupt."""

    def abort(self) -> None: ...

    def close(self) -> None: ...


class EventStream(Generic[T]):
    """An event stream inside `with`.

    `read` yields the events of each message; it uses `client`, which nobody else uses. `source` is the name
    of what sends the events.
    """

    def __init__(self, source: str, client: Closable, read: Callable[[], Iterable[Iterable[T]]]) -> None:
        self._source = source
        self._client = client
        self._read = read
        self._received: queue.SimpleQueue[tuple[T, ...] | HttpError] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"{source}-events", daemon=True)

    def __enter__(self) -> EventStream[T]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.abort()
        self._thread.join()
        self._client.close()

    def take(self, timeout: float | None) -> list[T]:
        """Wait for events, `timeout` seconds at most, and return all that have arrived.

        Raises HttpError if the stream has ended.
        """
        events: list[T] = []
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
            for events in self._read():
                if message := tuple(events):
                    self._received.put(message)
            self._received.put(HttpError(f"the event stream of {self._source} ended"))
        except HttpError as error:
            self._received.put(error)
        except Exception as error:  # noqa: BLE001 - `take` raises it in the thread that waits
            self._received.put(HttpError(f"the event stream of {self._source} failed: {error!r}"))
