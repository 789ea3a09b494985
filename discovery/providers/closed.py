"""The placeholder of a provider that is closed, because one of its security options is not supported."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from discovery.providers.contract import Emit
from rondpoint.configuration import Configuration
from rondpoint.settings.closed_parts import ClosedPart


class ClosedProvider:
    """A provider without routes, whose diagnostics say why it is closed."""

    def __init__(self, name: str, closed: Sequence[ClosedPart]) -> None:
        self.name = name
        self._diagnostics = tuple(each.diagnostic for each in closed)

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Emit the diagnostics; connect to no source."""
        emit(Configuration(diagnostics=self._diagnostics))
        stop.wait()
