"""The interface of a provider."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from rondpoint.configuration import Configuration

Emit = Callable[[Configuration], None]


class Provider(Protocol):
    """One source of routes. It knows nothing about the store, other providers or HTTP.

    `name` qualifies the objects that the provider defines (`hello@docker`).
    """

    @property
    def name(self) -> str: ...

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Emit the whole configuration, and again after each change; return soon after `stop` is set.

        The agent calls this in a thread of its own. Raises ProviderError if the source cannot be read; the
        agent then calls `watch` again after a delay.
        """
