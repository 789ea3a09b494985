"""Stands for a provider that is closed: an option that guards what it reads is not served."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from discovery.providers.contract import Emit
from rondpoint.model import Configuration
from rondpoint.settings.closed_parts import ClosedPart


class ClosedProvider:
    """Has no routes, and says why."""

    def __init__(self, name: str, closed: Sequence[ClosedPart]) -> None:
        self.name = name
        self._diagnostics = tuple(each.diagnostic for each in closed)

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Connects to nothing."""
        emit(Configuration(diagnostics=self._diagnostics))
        stop.wait()
