"""Decides whether a task is ready, during a deployment of an app with readiness checks."""

from __future__ import annotations

from datetime import datetime

from discovery.providers.marathon.values import App, Task

DEFAULT_TIMEOUT = 10.0
"""Seconds that a check without a timeout may take."""

MARGIN = 5.0
"""Seconds that the result of a check may take to get into Marathon's response, in addition to its timeout."""


def is_ready(task: Task, app: App, now: float) -> bool:
    """Return whether the task may get requests; `now` is the Unix time.

    Marathon reports results for the new tasks of a deployment only, and for these a moment late. So a task
    without a result is ready if it is older than a check can take.
    """
    if not app.deployments or not app.readiness_checks:
        return True
    for result in app.readiness_check_results or ():
        if result.task_id == task.id:
            return result.ready
    try:
        started = datetime.fromisoformat(task.started_at).timestamp()
    except ValueError:
        return False
    timeout = app.readiness_checks[0].timeout_seconds
    return now - started >= (timeout + MARGIN if timeout else DEFAULT_TIMEOUT)
