"""Reads an engine's event stream in a thread of its own, and hands over what has arrived."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from discovery.providers.docker_engine.engine import Engine

Event = TypeVar("Event")


class EventStream(Generic[Event]):
    """An engine's event stream, open from its creation until it ends or `Engine.end_events` is called.

    It has the events that match `filters`. `parse` decodes an event; one for which it returns None is left
    out. The constructor raises ProviderError.
    """

    def __init__(
        self,
        engine: Engine,
        filters: Mapping[str, Sequence[str]],
        parse: Callable[[Mapping[str, Any]], Event | None],
    ) -> None:
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.ended = False
        self._parse = parse
        engine.open_events(filters)
        threading.Thread(target=self._read, args=(engine,), name="docker-events", daemon=True).start()

    def take(self, timeout: float | None = None) -> list[Event]:
        """Wait for an event, `timeout` seconds at most; return all queued events.

        Sets `ended` if no more events follow.
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
                parsed = self._parse(event)
                if parsed is not None:
                    self._events.put(parsed)
        finally:
            self._events.put(None)
