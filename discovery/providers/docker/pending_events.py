"""What an engine's events ask for, as they come, for one thread to take up."""

from __future__ import annotations

import queue
import threading

from discovery.providers.docker.engine import Engine
from discovery.providers.docker.events import Event, parse_event


class PendingEvents:
    """Opens the engine's event stream, and reads it in a thread of its own until it ends."""

    def __init__(self, engine: Engine) -> None:
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.ended = False
        engine.open_events()
        threading.Thread(target=self._read, args=(engine,), name="docker-events", daemon=True).start()

    def take(self, timeout: float | None = None) -> list[Event]:
        """Wait for an event, `timeout` seconds at most, and take all that have come with it.

        `ended` is set when there will be no more.
        """
        try:
            found = [self._events.get(timeout=timeout)]
        except queue.Empty:
            return []
        while not self._events.empty():
            found.append(self._events.get())
        self.ended = None in found
        return [event for event in found if event is not None]

    def _read(self, engine: Engine) -> None:
        try:
            for event in engine.events():
                asked = parse_event(event)
                if asked is not None:
                    self._events.put(asked)
        finally:
            self._events.put(None)
