"""Which requests of an entry point the access log is told of, where routers may say so themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.access_log import AccessLog
    from proxy.telemetry.completed_request import CompletedRequest


class RouterLogFilter:
    """A witness that passes all to `log`, at no cost, until it is to `choose`."""

    __slots__ = ("_by_default", "_log", "add", "add_malformed")

    def __init__(self, log: AccessLog) -> None:
        self._log = log
        self._by_default = True
        self.add = log.add
        self.add_malformed = log.add_malformed

    def choose(self, by_default: bool) -> None:
        """From now on, ask the router of each request; `by_default` is for those who say nothing."""
        self._by_default = by_default
        self.add = self._add
        self.add_malformed = self._add_malformed

    def _add(self, answered: CompletedRequest, request: Request, seconds: float, number: int) -> None:
        chosen = answered.tally.observability
        if chosen is None or chosen.access_logs is None:
            if not self._by_default:
                return
        elif not chosen.access_logs:
            return
        self._log.add(answered, request, seconds, number)

    def _add_malformed(self, answered: CompletedRequest, status: int, number: int) -> None:
        if self._by_default:
            self._log.add_malformed(answered, status, number)
