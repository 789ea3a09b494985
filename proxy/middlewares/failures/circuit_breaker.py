"""The middleware circuitBreaker, as in Traefik 3: responds in place of a service while it is open.

Each router has a circuit breaker of its own, which all workers of the instance share.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any

from proxy.circuit_breaker.breaker import CircuitBreaker, Durations, Phase, phase
from proxy.circuit_breaker.conditions import compile_condition, ranges_of
from proxy.circuit_breaker.shared_memory import BREAKERS, REUSE_SECONDS, SLOTS, claim_slot, own_slot
from proxy.circuit_breaker.statistics import Statistics
from proxy.http1.response_head import reason_phrase
from proxy.middlewares.step import Client, Step, named_kind
from proxy.per_request.extras import extras_of
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from proxy.http1.request import Request

log = logging.getLogger(__name__)

_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
# Well before another breaker may get the memory.
_CLAIM_AGAIN_SECONDS = REUSE_SECONDS / 2
# Routers come and go, and nobody tells the middleware.
_ROUTERS_BETWEEN_SWEEPS = 256


@named_kind("circuitBreaker")
def circuit_breaker(options: Mapping[str, Any], name: str) -> Step:
    """Respond with `responseCode` while the router's breaker is open; otherwise record the outcome."""
    status = options["responseCode"]
    body = b"" if status in _WITHOUT_BODY else reason_phrase(status)
    breakers = _Breakers(options, name)

    def step(request: Request, client: Client) -> None:
        now = monotonic()
        breaker = breakers.of_router(client.tally.router, now)
        if not breaker.admits(now):
            raise LocalResponse(status, b"", body)
        extras_of(client).call_at_end(partial(_record, breaker, client, now))

    return step


def breaker_phase(options: Mapping[str, Any], name: str, router: str, now: float) -> Phase:
    """Return the phase of a router's breaker in this instance, without counting anything.

    A breaker that no request has met is closed, and so is one whose state the workers do not share.
    """
    durations = _durations(options)
    state = BREAKERS.state_of(_key(options, name, durations, router))
    return "closed" if state is None else phase(state, durations.recovery, now)


def _durations(options: Mapping[str, Any]) -> Durations:
    # As in Traefik, 0 stands for the default.
    return Durations(
        options["checkPeriod"] or 0.1,
        options["fallbackDuration"] or 10.0,
        options["recoveryDuration"] or 10.0,
    )


def _key(options: Mapping[str, Any], name: str, durations: Durations, router: str) -> bytes:
    # A breaker with other options begins anew.
    return f"{name}\0{options['expression']}\0{durations}\0{router}".encode()


class _Breakers:
    """The circuit breakers of one middleware by router."""

    def __init__(self, options: Mapping[str, Any], name: str) -> None:
        # Its library takes 2 MB, which a worker without circuit breakers does not need.
        from rondpoint.middlewares.breaker_parser import parse_breaker_expression  # noqa: PLC0415

        condition = parse_breaker_expression(options["expression"])
        self._durations = _durations(options)
        self._name = name
        self._test = compile_condition(condition)
        self._ranges = ranges_of(condition)
        self._options = options
        self._breakers: dict[str, CircuitBreaker] = {}
        self._warned = False

    def of_router(self, router: str, now: float) -> CircuitBreaker:
        """Return the breaker of this router; claim memory for it if it is new or was not in use for long."""
        breaker = self._breakers.get(router)
        if breaker is None or now - breaker.last_use > _CLAIM_AGAIN_SECONDS:
            if len(self._breakers) % _ROUTERS_BETWEEN_SWEEPS == 0:
                self._breakers = {
                    name: each
                    for name, each in self._breakers.items()
                    if now - each.last_use <= _CLAIM_AGAIN_SECONDS
                }
            breaker = self._breakers[router] = self._claim(router, now)
        return breaker

    def _claim(self, router: str, now: float) -> CircuitBreaker:
        slot = claim_slot(_key(self._options, self._name, self._durations, router), now)
        if slot is None:
            if not self._warned:
                self._warned = True
                log.warning(
                    "circuit breaker %s of router %s and perhaps of others: this worker counts alone, because"
                    " the workers share at most %d circuit breakers",
                    self._name,
                    router,
                    SLOTS,
                )
            slot = own_slot(now)
        statistics = Statistics(slot.row, slot.all_rows, self._ranges)
        label = f"{self._name} of router {router}"
        return CircuitBreaker(label, self._durations, self._test, statistics, slot.state)


def _record(breaker: CircuitBreaker, client: Client, began: float) -> None:
    now = monotonic()
    seconds = now - began
    # The memory may be another breaker's by now.
    if seconds < _CLAIM_AGAIN_SECONDS:
        # The life of a tunnel is no latency.
        breaker.record(
            now, client.status, None if client.status == HTTPStatus.SWITCHING_PROTOCOLS else seconds
        )
