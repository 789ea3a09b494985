"""Filters access log entries by the router's `observability.accessLogs` setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.access_log import AccessLog
    from proxy.telemetry.completed_request import CompletedRequest


class RouterLogFilter:
    """An observer in front of the access log.

    It passes every request to `log`, at no cost, until `follow_routers` is called.
    """

    __slots__ = ("_by_default", "_log", "add", "add_malformed")

    def __init__(self, log: AccessLog) -> None:
        self._log = log
        self._by_default = True
        self.add = log.add
        self.add_malformed = log.add_malformed

    def follow_routers(self, by_default: bool) -> None:
        """Follow the setting of each request's router from now on; use `by_default` if it has none."""
        self._by_default = by_default
        self.add = self._add
        self.add_malformed = self._add_malformed

    def _add(
        self, completed: CompletedRequest, request: Request, started: float, seconds: float, number: int
    ) -> None:
        observability = completed.tally.observability
        if observability is None or observability.access_logs is None:
            if not self._by_default:
                return
        elif not observability.access_logs:
            return
        self._log.add(completed, request, started, seconds, number)

    def _add_malformed(self, completed: CompletedRequest, status: int, number: int) -> None:
        if self._by_default:
            self._log.add_malformed(completed, status, number)
