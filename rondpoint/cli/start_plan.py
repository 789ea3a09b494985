"""What `rondpoint up` runs: the result of its settings, without the settings."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

from rondpoint.cli.child import ChildSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rondpoint.cli.planned_log import PlannedLog


class StartPlan:
    """The child processes, their private directory, and the summary when they are ready.

    `log`: the options of the log that all output must go to, if there is one. If `fault` is not empty,
    nothing can be started, and it says why.
    """

    def __init__(
        self,
        directory: Path,
        children: Sequence[ChildSpec] = (),
        *,
        log: PlannedLog | None = None,
        summary: str = "",
        fault: str = "",
    ) -> None:
        self.directory = directory
        self.children = children
        self.log = log
        self.summary = summary
        self.fault = fault


def encode(plan: StartPlan) -> bytes:
    """Return the plan as bytes, for a process of the same program."""
    return pickle.dumps(plan)


def decode(data: bytes) -> StartPlan:
    """Return the plan of `encode`."""
    plan: StartPlan = pickle.loads(data)  # noqa: S301 - from a copy of this process
    return plan
