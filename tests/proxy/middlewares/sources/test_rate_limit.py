"""The options and responses of rateLimit, for a worker alone."""

from typing import Any

import pytest

from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.middlewares.chains import ChainError, Chains
from proxy.middlewares.sources.rate_limit import compile_limit
from proxy.middlewares.step import Step
from proxy.per_request.local_response import LocalResponse
from rondpoint.model import Middleware
from tests.proxy.middlewares.sender import Sender, Worker

LONG = "x" * 5000
HOURLY = {"average": 1, "period": 3600.0}


def compiled(options: dict[str, Any], name: str = "m") -> Step:
    chains = Chains()
    chains.put(Middleware(name, "rateLimit", options))
    (step,) = chains.compile_chain((name,), "router", "r")
    return step


def request(host: str = "a.test", lines: str = "") -> Request:
    return parse_request(f"GET / HTTP/1.1\r\nHost: {host}{lines}\r\n\r\n".encode(), Limits())


def passes(step: Step, sender: Sender, message: Request | None = None) -> bool:
    try:
        step(message or request(), sender)
    except LocalResponse as response:
        assert response.status == 429
        return False
    return True


@pytest.mark.parametrize(
    ("average", "period", "burst", "limit"),
    [
        (100, 1.0, 50, (0.01, 50, 0.005)),
        (100, 0.0, 0, (0.01, 1, 0.005)),
        (1, 10.0, 1, (10.0, 1, 0.5)),
        (3, 2.0, 1, (2 / 3, 1, 0.5)),
        (6, 60.0, 4, (10.0, 4, 0.5)),
        (5000, 1.0, 1, (0.0002, 50, 0.0001)),
        (5000, 1.0, 200, (0.0002, 200, 0.0001)),
    ],
)
def test_options_make_a_limit(
    average: int, period: float, burst: int, limit: tuple[float, int, float]
) -> None:
    assert compile_limit(average, period, burst) == pytest.approx(limit)


def test_a_refusal_says_when_to_come_back() -> None:
    step, sender = compiled(HOURLY), Sender()
    assert passes(step, sender)
    with pytest.raises(LocalResponse) as refusal:
        step(request(), sender)
    response = refusal.value
    lines = response.lines.decode().split("\r\n")
    assert (response.status, response.body) == (429, b"Too Many Requests")
    assert "Retry-After: 3600" in lines
    assert any(line.startswith("X-Retry-In: 59m59.") for line in lines)


def test_an_average_of_0_is_no_limit() -> None:
    step, sender = compiled({"average": 0}), Sender()
    assert all(passes(step, sender) for _ in range(100))


@pytest.mark.parametrize(
    ("criterion", "one", "other"),
    [
        ({"requestHost": True}, request("a.test"), request("b.test")),
        ({"requestHeaderName": "X-Key"}, request(lines="\r\nx-key: a"), request(lines="\r\nX-Key: b")),
        (
            {"requestHeaderName": "X-Key"},
            request(lines=f"\r\nX-Key: {LONG}a"),
            request(lines=f"\r\nX-Key: {LONG}b"),
        ),
    ],
)
def test_each_source_has_a_bucket(criterion: dict[str, Any], one: Request, other: Request) -> None:
    step, sender = compiled(HOURLY | {"sourceCriterion": criterion}), Sender()
    assert [passes(step, sender, each) for each in (one, other, one, other)] == [True, True, False, False]


def test_each_address_router_and_middleware_has_a_bucket() -> None:
    first, second = compiled(HOURLY), compiled(HOURLY, "other")
    worker = Worker()
    senders = [Sender("192.0.2.1"), Sender("192.0.2.2"), Sender("192.0.2.1")]
    senders[2].tally.router = "another"
    for sender in senders:
        sender.context = worker
        assert passes(first, sender)
        assert not passes(first, sender)
    assert passes(second, senders[0])


def test_contradictory_criteria_close_the_route() -> None:
    with pytest.raises(ChainError, match="mutually exclusive"):
        compiled(HOURLY | {"sourceCriterion": {"requestHost": True, "requestHeaderName": "X"}})
