"""Begins traces, and keeps those that are sampled until a collector is told of them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from proxy.telemetry.tracing.context import parent_of, without_context
from proxy.telemetry.tracing.finished import Finished
from proxy.telemetry.tracing.trace import Trace, bound_of

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.answered import Answered, Witness
    from rondpoint.settings import Tracing

MOST = 10_000
"""Requests kept that no collector has been told of; what comes beyond is counted in `dropped`."""


KEPT = 500
"""Sets of header lines that are known to say nothing of a trace."""


class Tracer:
    """Told of each answered request; `take` gives what is to be told on."""

    def __init__(self, options: Tracing) -> None:
        self._bound = bound_of(options.sample_rate)
        self._heads = bool(options.captured_response_headers)
        self._finished: list[Finished] = []
        self.dropped = 0
        self._unsaid: set[bytes] = set()
        # One's own: a process that was forked shares the common one's numbers with its siblings.
        self._random = Random()  # noqa: S311 (names, not secrets)

    @property
    def heads(self) -> bool:
        """Whether heads of responses are to be kept."""
        return self._heads

    def begin(self, request: Request) -> Trace:
        """The request's part of its trace, or of a new one; what its head says of that is taken out."""
        headers = request.headers
        if headers in self._unsaid:
            return Trace(None, self._bound, self._random)
        request.headers = without_context(headers)
        if request.headers == headers:
            # Much the same is said again, and need not be looked at again.
            if len(self._unsaid) >= KEPT:
                self._unsaid.clear()
            self._unsaid.add(headers)
        return Trace(parent_of(headers), self._bound, self._random)

    def add(self, answered: Answered, request: Request, seconds: float, number: int) -> None:
        trace = answered.traced
        if trace is None or not trace.sampled:
            return
        if len(self._finished) >= MOST:
            self.dropped += 1
            return
        self._finished.append(
            Finished(
                trace,
                int(seconds * 1e9),
                answered.entry_point,
                answered.tls,
                answered.peer,
                answered.port,
                answered.tally.router,
                answered.tally.service,
                answered.status,
                request.method,
                request.target,
                request.host,
                request.version,
                request.headers,
                0 if answered.body is None else answered.body.received,
                answered.sent_head if self._heads else b"",
                answered.origin_head if self._heads else b"",
            )
        )

    def add_malformed(self, answered: Answered, status: int, number: int) -> None:
        """It belongs to no trace."""

    def take(self, most: int) -> list[Finished]:
        """The oldest of what was kept, which is kept no more."""
        taken, self._finished = self._finished[:most], self._finished[most:]
        return taken

    def __len__(self) -> int:
        return len(self._finished)


class Both:
    """Tells two witnesses."""

    def __init__(self, one: Witness, other: Witness) -> None:
        self._witnesses = (one, other)

    def add(self, answered: Answered, request: Request, seconds: float, number: int) -> None:
        for witness in self._witnesses:
            witness.add(answered, request, seconds, number)

    def add_malformed(self, answered: Answered, status: int, number: int) -> None:
        for witness in self._witnesses:
            witness.add_malformed(answered, status, number)
