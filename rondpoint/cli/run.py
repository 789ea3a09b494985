"""Runs the processes of a plan in the foreground."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack

from rondpoint.cli.readiness import ReadinessSocket
from rondpoint.cli.start_plan import StartPlan
from rondpoint.cli.supervisor import Supervisor


def run(plan: StartPlan) -> int:
    """Run until the end, and return the exit code."""
    with ExitStack() as at_end:
        at_end.callback(shutil.rmtree, plan.directory)
        report: Callable[[str], None] = _print_event
        print_summary: Callable[[str], None] = _print_summary
        if plan.log is not None:
            # Most installations do without its libraries.
            from rondpoint.cli import event_log  # noqa: PLC0415

            event_log.configure(plan.log)
            report = print_summary = event_log.log_lines
        if plan.fault:
            report(plan.fault)
            return 1
        with ReadinessSocket(plan.directory) as readiness_socket:
            return Supervisor(
                plan.children,
                readiness_socket,
                os.environ,
                on_ready=lambda: print_summary(plan.summary),
                report=report,
            ).run()


def _print_summary(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _print_event(line: str) -> None:
    sys.stderr.write(f"rondpoint: {line}\n")
    sys.stderr.flush()
