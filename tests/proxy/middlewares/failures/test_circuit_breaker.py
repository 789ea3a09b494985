"""The middleware circuitBreaker with a clock: what it counts, and how long it keeps its memory."""

from dataclasses import dataclass

import pytest

from proxy.circuit_breaker import shared_memory
from proxy.circuit_breaker.shared_memory import BreakerMemory
from proxy.http1.limits import Limits
from proxy.http1.request import parse_request
from proxy.middlewares.failures import circuit_breaker
from proxy.middlewares.step import Step
from proxy.per_request.extras import extras_of
from proxy.per_request.local_response import LocalResponse
from rondpoint.middlewares.canonical import add_defaults
from tests.proxy.middlewares.sender import Sender

SLOTS = 8


@dataclass
class Clock:
    """A clock that the test sets, in seconds."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(circuit_breaker, "monotonic", clock)
    monkeypatch.setattr(shared_memory, "BREAKERS", BreakerMemory(rows=1, slots=SLOTS))
    return clock


def breaker(name: str, expression: str, **options: object) -> Step:
    given = {"expression": expression, **options}
    return circuit_breaker.circuit_breaker(add_defaults("circuitBreaker", given), name)


def response(
    step: Step, clock: Clock, seconds: float = 0.0, status: int = 200, router: str = "r"
) -> LocalResponse | None:
    """Send a request that takes `seconds`; return the circuit breaker's response, None if it was admitted."""
    request = parse_request(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", Limits())
    assert request is not None
    sender = Sender()
    sender.tally.router = router
    try:
        step(request, sender)
    except LocalResponse as found:
        assert sender.extras is None
        return found
    sender.status = status
    clock.now += seconds
    extras_of(sender).run_end_calls()
    return None


def test_a_slow_request_opens_it_and_a_long_tunnel_does_not(clock: Clock) -> None:
    step = breaker("latency", "LatencyAtQuantileMS(100) > 1000")
    assert response(step, clock, 100.0, 101) is None
    assert response(step, clock, 0.5) is None
    assert response(step, clock, 2.0) is None
    found = response(step, clock)
    assert found is not None
    assert (found.status, found.body) == (503, b"Service Unavailable")


@pytest.mark.parametrize(("status", "body"), [(418, b"I'm a Teapot"), (204, b""), (304, b""), (599, b"")])
def test_the_response_has_the_given_status(clock: Clock, status: int, body: bytes) -> None:
    step = breaker(f"status{status}", "NetworkErrorRatio() == 0", responseCode=status)
    assert response(step, clock) is None
    found = response(step, clock)
    assert found is not None
    assert (found.status, found.lines, found.body) == (status, b"", body)


def test_zero_durations_stand_for_the_defaults(clock: Clock) -> None:
    step = breaker(
        "zero", "NetworkErrorRatio() == 1", checkPeriod=0.0, fallbackDuration=0.0, recoveryDuration=0.0
    )
    assert response(step, clock, status=502) is None
    clock.now += 9.9
    assert response(step, clock) is not None
    clock.now += 0.2
    assert response(step, clock) is not None
    clock.now += 10.1
    assert response(step, clock) is None


def test_a_step_that_was_compiled_anew_finds_the_state(clock: Clock) -> None:
    expression = "NetworkErrorRatio() > 0.5"
    assert response(breaker("again", expression, fallbackDuration=9999.0), clock, status=502) is None
    assert response(breaker("again", expression, fallbackDuration=9999.0), clock) is not None
    assert response(breaker("again", expression, fallbackDuration=10.0), clock) is None


def test_the_state_stays_while_all_requests_are_refused_for_long(clock: Clock) -> None:
    step = breaker("long", "NetworkErrorRatio() > 0.5", fallbackDuration=99_999.0)
    assert response(step, clock, status=502) is None
    for _ in range(20):
        clock.now += 3000.0
        assert response(step, clock) is not None
        # Others that need memory do not get this breaker's.
        for number in range(SLOTS):
            response(breaker(f"other{number}", "NetworkErrorRatio() > 0.5"), clock)


def test_a_breaker_beyond_the_shared_ones_works_alone(clock: Clock) -> None:
    for number in range(SLOTS + 2):
        step = breaker(f"many{number}", "NetworkErrorRatio() > 0.5")
        assert response(step, clock, status=502) is None
        assert response(step, clock) is not None


def test_an_open_breaker_keeps_its_state_while_many_routers_come_and_go(clock: Clock) -> None:
    step = breaker("routers", "NetworkErrorRatio() > 0.5", fallbackDuration=99_999.0)
    assert response(step, clock, status=502, router="first") is None
    for number in range(600):
        clock.now += 10.0
        response(step, clock, router=f"r{number}")
        assert response(step, clock, router="first") is not None
