"""Measures the duration of middleware steps for detailed traces."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING

from proxy.telemetry.tracing.trace import StepSpan

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client, Step


def time_step(step: Step, name: str, kind: str) -> Step:
    """Return a step that runs `step` of the middleware `name` and records its duration in the trace."""

    def run(request: Request, client: Client) -> None:
        trace = client.detailed_trace()
        if trace is None:
            step(request, client)
            return
        began = time_ns()
        try:
            step(request, client)
        finally:
            trace.steps.append(StepSpan(name, kind, began, time_ns()))

    return run
