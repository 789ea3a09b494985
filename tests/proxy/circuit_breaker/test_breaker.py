"""The states of a circuit breaker, step by step, with times given in seconds."""

from typing import Literal, NamedTuple

import pytest

from proxy.circuit_breaker.breaker import STATE_NUMBERS, CircuitBreaker, Durations
from proxy.circuit_breaker.conditions import compile_condition, ranges_of
from proxy.circuit_breaker.statistics import ROW_INTEGERS, Row, Statistics
from rondpoint.middlewares.breaker_parser import parse_breaker_expression


class Ends(NamedTuple):
    """A request ends with this status."""

    at: float
    status: int


class Asks(NamedTuple):
    """A request comes, and is admitted or not."""

    at: float
    admitted: bool


USUAL = Durations(0.1, 10, 10)


def breakers(
    count: int, expression: str = "NetworkErrorRatio() > 0.5", durations: Durations = USUAL
) -> list[CircuitBreaker]:
    """Return one circuit breaker as that many workers see it."""
    condition = parse_breaker_expression(expression)
    rows: list[Row] = [memoryview(bytearray(ROW_INTEGERS * 4)).cast("I") for _ in range(count)]
    state = [0.0] * STATE_NUMBERS
    return [
        CircuitBreaker(
            "b",
            durations,
            compile_condition(condition),
            Statistics(row, lambda: rows, ranges_of(condition)),
            state,
        )
        for row in rows
    ]


OPENED = [Ends(100.0, 502)]
"""The breaker is open until 110."""


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([Asks(1.0, True), Ends(1.1, 200), Asks(1.2, True)], id="it is closed at first"),
        pytest.param([*OPENED, Asks(100.0, False), Asks(109.9, False)], id="it is open"),
        pytest.param([Ends(100.0, 200), Ends(100.05, 502), Asks(100.06, True)], id="half are not enough"),
        pytest.param([Ends(100.0, 200), *[Ends(100.05, 502)] * 5, Asks(100.06, True)], id="no check is due"),
        pytest.param(
            [Ends(100.0, 200), *[Ends(100.2, 502)] * 2, Asks(100.21, True)], id="one check a period"
        ),
        pytest.param(
            [Ends(100.0, 200), *[Ends(100.05, 502)] * 5, Ends(100.11, 502), Asks(100.12, False)],
            id="a check is due",
        ),
        pytest.param(
            [*OPENED, Ends(101.0, 502), Asks(110.0, False), Asks(120.01, True)], id="open: no check"
        ),
        pytest.param([*OPENED, Asks(110.0, False), Asks(120.0, False)], id="recovery begins with a refusal"),
        pytest.param([*OPENED, Asks(110.0, False), Asks(120.1, True), *[Asks(120.2, True)] * 5], id="closed"),
        pytest.param([*OPENED, Asks(500.0, False), Asks(509.9, False)], id="recovery waits for a request"),
        pytest.param([*OPENED, Asks(500.0, False), Asks(510.1, True)], id="recovery after silence ends"),
        pytest.param(
            [
                *OPENED,
                Asks(110.0, False),
                Asks(115.0, False),
                Asks(115.0, False),
                Asks(115.0, False),
                Asks(115.1, True),
                Asks(115.1, False),
            ],
            id="a quarter in the middle",
        ),
        pytest.param(
            [
                *OPENED,
                Asks(110.0, False),
                Ends(112.0, 502),
                Asks(112.1, False),
                Asks(121.9, False),
                Asks(122.0, False),
                Asks(131.9, False),
                Asks(132.1, True),
            ],
            id="it opens again in the recovery",
        ),
        pytest.param([*OPENED, Asks(110.0, False), Ends(112.0, 200), Asks(120.1, True)], id="earlier counts"),
        pytest.param(
            [*OPENED, Asks(110.0, False), Asks(120.1, True), Ends(121.0, 502), Asks(121.1, False)], id="again"
        ),
    ],
)
@pytest.mark.parametrize("count", [1, 2])
def test_states(steps: list[Ends | Asks], count: int) -> None:
    workers = breakers(count)
    for number, step in enumerate(steps):
        if isinstance(step, Ends):
            # Whatever worker served it.
            workers[number % count].record(step.at, step.status, 0.1)
        else:
            assert workers[0].admits(step.at) is step.admitted, step


@pytest.mark.parametrize(("at", "share"), [(111.0, 0.05), (115.0, 0.25), (118.0, 0.4), (120.0, 0.5)])
def test_the_ramp_admits_a_growing_share(at: float, share: float) -> None:
    for workers in (breakers(1), breakers(3)):
        workers[0].record(100.0, 502, 0.1)
        assert not workers[0].admits(110.0)
        admitted = [worker.admits(at) for _ in range(1000) for worker in workers]
        assert sum(admitted) / len(admitted) == pytest.approx(share, abs=0.01)


STATE = Literal["open", "closed"]


@pytest.mark.parametrize(
    ("expression", "latency", "state"),
    [
        ("LatencyAtQuantileMS(50.0) > 100", 0.2, "open"),
        ("LatencyAtQuantileMS(50.0) > 100", 0.05, "closed"),
        ("LatencyAtQuantileMS(50.0) > 100 && NetworkErrorRatio() > 0", 0.2, "closed"),
        ("ResponseCodeRatio(200, 300, 0, 600) > 0.9", 0.2, "open"),
        ("!ResponseCodeRatio(200, 300, 0, 600) > 0.9", 0.2, "closed"),
    ],
)
def test_each_metric_can_open_it(expression: str, latency: float, state: STATE) -> None:
    (breaker,) = breakers(1, expression)
    breaker.record(100.0, 200, latency)
    assert breaker.admits(100.1) is (state == "closed")
