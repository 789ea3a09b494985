"""Tests of requests to a CA that limits, refuses, hangs or sends nonsense; a stand-in plays the CA."""

import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from discovery.acme.orders.ca_connection import MAX_NONCES, RATE_LIMIT_PAUSE, CaConnection, RefusedError
from discovery.acme.orders.failures import FailureKind, OrderError
from discovery.acme.orders.options import CaOptions
from discovery.acme.orders.private_keys import generate_key
from discovery.acme.orders.transport import MAX_BODY, retry_at
from tests.discovery.acme.stand_in import StandInCa, problem
from tests.lab.ports import free_port

JSON = {"Content-Type": "application/problem+json"}
KEY = generate_key("EC256")


@pytest.fixture
def ca() -> Iterator[StandInCa]:
    with StandInCa() as running:
        yield running


def connect(url: str, **options: Any) -> CaConnection:
    return CaConnection(CaOptions(f"{url}/directory", **options), KEY, threading.Event())


def failure(connection: CaConnection, path: str = "/order") -> Any:
    url = connection.options.directory.removesuffix("/directory") + path
    with pytest.raises(OrderError) as caught:
        connection.post(url, {}, "the order")
    return caught.value.failure


@pytest.mark.parametrize(
    ("reply", "kind", "pause", "text"),
    [
        ((429, {**JSON, "Retry-After": "100"}, problem("rateLimited", "slow")), "rate limited", 100, "slow"),
        ((429, JSON, problem("rateLimited", "slow")), "rate limited", RATE_LIMIT_PAUSE, "slow"),
        ((429, {"Retry-After": "50"}, b"<html>"), "rate limited", 50, "status 429"),
        ((403, JSON, problem("rateLimited", "too many")), "rate limited", RATE_LIMIT_PAUSE, "too many"),
        ((503, {"Retry-After": "7"}, b"busy"), "unreachable", 7, "status 503"),
        ((500, JSON, problem("serverInternal", "oops")), "unreachable", 0, "oops"),
        ((400, JSON, problem("invalidProfile", "no such")), "refused", 0, "no such (invalidProfile)"),
        ((200, {}, b"x" * (MAX_BODY + 1)), "unreachable", 0, "more than"),
        ((409, JSON, problem("alreadyReplaced")), "refused", 0, "exists already"),
    ],
)
def test_each_refusal_says_when_to_try_again(
    ca: StandInCa, reply: Any, kind: str, pause: float, text: str
) -> None:
    ca.replies["/order"] = reply
    found = failure(connect(ca.url))
    assert found.kind is FailureKind(kind)
    assert text in found.message
    expected = time.time() + pause if pause else 0
    assert found.not_before == pytest.approx(expected, abs=20)
    assert found.hint or kind == "refused"


def test_a_refusal_names_each_name_at_fault(ca: StandInCa) -> None:
    inner = [
        problem("rejectedIdentifier", "policy", identifier={"type": "dns", "value": "a.test"}),
        problem("caa", "forbidden", identifier={"type": "dns", "value": "b.test"}),
    ]
    ca.replies["/order"] = (403, JSON, problem("compound", "two errors", subproblems=inner))
    found = failure(connect(ca.url))
    assert found.kind is FailureKind.NAMES
    assert found.names == ("a.test", "b.test")
    assert "a.test: policy (rejectedIdentifier); b.test: forbidden (caa)" in found.message
    assert "tls.domains" in found.hint
    assert "CAA record" in found.hint


def test_refused_nonces_are_replaced_but_not_for_ever(ca: StandInCa) -> None:
    refusals = 5
    reply = (400, JSON, problem("badNonce"))

    def order() -> Any:
        return reply if ca.count("/order") <= refusals else (201, {}, {"status": "pending"})

    ca.replies["/order"] = order
    connection = connect(ca.url)
    assert connection.post(f"{ca.url}/order", {}, "the order").json() == {"status": "pending"}
    ca.replies["/order"] = reply
    before = ca.count("/order")
    assert failure(connection).kind is FailureKind.UNREACHABLE
    assert MAX_NONCES <= ca.count("/order") - before <= 2 * MAX_NONCES


def test_requests_name_their_program(ca: StandInCa) -> None:
    ca.replies["/order"] = (201, {}, {})
    connect(ca.url).post(f"{ca.url}/order", {}, "the order")
    agents = {headers["User-Agent"].partition("/")[0] for _, _, headers in ca.requests}
    assert agents == {"rondpoint"}


def test_a_ca_that_hangs_or_is_gone_is_given_up(silent_port: int) -> None:
    for port in (silent_port, free_port()):
        started = time.monotonic()
        connection = connect(f"http://127.0.0.1:{port}", header_timeout=0.2, timeout=0.4)
        found = failure(connection)
        assert found.kind is FailureKind.UNREACHABLE
        assert f"127.0.0.1:{port}" in found.message
        assert time.monotonic() - started < 10


def test_a_response_that_never_ends_is_given_up(ca: StandInCa) -> None:
    # The announced rest never comes.
    ca.replies["/order"] = (201, {"Content-Length": "5000"}, {})
    assert failure(connect(ca.url, header_timeout=0.2, timeout=0.4)).kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize(
    ("status", "content"),
    [(200, b"<html>"), (200, {"newOrder": "x"}), (200, [1]), (200, {"meta": 3}), (404, b"")],
)
def test_an_address_that_is_no_directory_is_reported(ca: StandInCa, status: int, content: Any) -> None:
    ca.replies["/directory"] = (status, {}, content)
    assert "caServer" in failure(connect(ca.url)).hint


def test_nothing_is_sent_after_the_stop(ca: StandInCa) -> None:
    stop = threading.Event()
    connection = CaConnection(CaOptions(f"{ca.url}/directory"), KEY, stop)
    stop.set()
    assert failure(connection).kind is FailureKind.INTERRUPTED
    with pytest.raises(OrderError):
        connection.wait(100)
    assert not ca.requests


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", 0),
        ("30", 1030),
        ("soon", 0),
        ("-5", 0),
        (formatdate(2000, usegmt=True), 2000),
        ("9" * 5000, 1000 + 10**9),
    ],
)
def test_retry_after_in_each_form(value: str, expected: float) -> None:
    assert retry_at({"Retry-After": value} if value else {}, 1000.0) == expected


def test_an_unusable_authority_is_named(ca: StandInCa) -> None:
    with pytest.raises(OrderError) as caught:
        connect(ca.url, root_cas=("/nowhere/ca.pem",))
    assert "/nowhere/ca.pem" in caught.value.failure.message
    assert not isinstance(caught.value, RefusedError)
