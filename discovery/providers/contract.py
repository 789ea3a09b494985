"""What the agent asks of a provider."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from rondpoint.model import Configuration

Emit = Callable[[Configuration], None]


class Provider(Protocol):
    """One source of routes; it knows nothing of the store, of other providers or of HTTP.

    `name` qualifies what it defines (`hello@docker`).
    """

    @property
    def name(self) -> str: ...

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Emit the whole configuration, and again whenever it changes; return soon after `stop` is set.

        Runs in a thread of its own. Raises ProviderError when the source cannot be read: the agent then
        calls again, after a while.
        """
