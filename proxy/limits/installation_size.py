"""The number of workers and instances that share limits, for the time when the store is out of reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class InstallationSize:
    """How many workers, of how many instances, share the limits, as last seen in the store."""

    workers: int = 1
    instances: int = 1
