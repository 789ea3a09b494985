"""The middlewares ipAllowList and ipWhiteList."""

from typing import Any

import pytest

from proxy.http1.forwarded import pass_on_claims
from proxy.http1.limits import REMOVED_LINES_TRUSTED, Limits
from proxy.http1.request import parse_request
from proxy.middlewares.chains import ChainError, Chains
from proxy.per_request.local_response import LocalResponse
from rondpoint.middlewares.canonical import canonicalise
from rondpoint.model import Middleware
from tests.proxy.middlewares.sender import Sender

OFFICE = "198.51.100.7"


def respond(
    options: dict[str, Any], claimed: str = "", peer: str = OFFICE, kind: str = "ipAllowList"
) -> LocalResponse | None:
    """Return the refusal of a request from this peer, None if it passes; `claimed` is X-Forwarded-For."""
    chains = Chains()
    chains.put(Middleware("m", kind, canonicalise(kind, options, str).options))
    (step,) = chains.compile_chain(("m",), "router", "r")
    line = f"X-Forwarded-For: {claimed}\r\n" if claimed else ""
    head = f"GET / HTTP/1.1\r\nHost: a.test\r\n{line}\r\n".encode()
    request = parse_request(head, Limits(removed_lines=REMOVED_LINES_TRUSTED))
    assert request is not None
    request.headers, lines = pass_on_claims(request.headers, request.host, peer.encode(), b"http", b"proxy")
    try:
        step(request, Sender(peer, lines))
    except LocalResponse as response:
        return response
    return None


RANGE = {"sourceRange": ["198.51.100.0/24", "2001:db8::/64"]}


@pytest.mark.parametrize("kind", ["ipAllowList", "ipWhiteList"])
@pytest.mark.parametrize(
    ("strategy", "claimed", "peer", "accepted"),
    [
        (None, "", OFFICE, True),
        (None, "", "203.0.113.1", False),
        (None, "", "2001:db8::5", True),
        (None, "", "", False),
        # Without a strategy, the header does not count, in either direction.
        (None, OFFICE, "203.0.113.1", False),
        (None, "203.0.113.1", OFFICE, True),
        ({}, "203.0.113.1", OFFICE, True),
        ({"depth": 1}, OFFICE, "203.0.113.1", True),
        ({"depth": 1}, f"{OFFICE}, 203.0.113.1", OFFICE, False),
        ({"depth": 2}, f"{OFFICE}, 203.0.113.1", "203.0.113.1", True),
        ({"depth": 2}, OFFICE, OFFICE, False),
        ({"depth": 1}, "", OFFICE, False),
        ({"depth": 1}, "rubbish", OFFICE, False),
        ({"depth": 1}, f"{OFFICE},", OFFICE, False),
        ({"depth": 1}, f"{OFFICE}:1234", "203.0.113.1", True),
        ({"depth": 1}, "[2001:db8::9]:1234", "203.0.113.1", True),
        ({"depth": 1}, "203.0.113.1:1234", OFFICE, False),
        ({"depth": 1, "ipv6Subnet": 48}, "2001:db8:0:7::9", "203.0.113.1", True),
        ({"depth": 1}, "2001:db8:0:7::9", "203.0.113.1", False),
        ({"excludedIPs": ["203.0.113.0/24"]}, f"{OFFICE}, 203.0.113.1", "203.0.113.1", True),
        ({"excludedIPs": ["203.0.113.0/24"]}, f"{OFFICE}, 192.0.2.1, 203.0.113.1", OFFICE, False),
        ({"excludedIPs": ["203.0.113.0/24"]}, "203.0.113.1", OFFICE, False),
    ],
)
def test_clients_by_address(
    kind: str, strategy: dict[str, Any] | None, claimed: str, peer: str, accepted: bool
) -> None:
    options = RANGE if strategy is None else {**RANGE, "ipStrategy": strategy}
    refusal = respond(options, claimed, peer, kind)
    assert (refusal is None) == accepted
    assert refusal is None or refusal.status == 403


@pytest.mark.parametrize(
    ("status", "has_body"), [(404, True), (503, True), (499, True), (204, False), (304, False)]
)
def test_the_status_of_a_refusal(status: int, has_body: bool) -> None:
    refusal = respond({**RANGE, "rejectStatusCode": status}, peer="203.0.113.1")
    assert refusal is not None
    assert (refusal.status, bool(refusal.body)) == (status, has_body)


def test_an_interim_status_closes_the_router() -> None:
    with pytest.raises(ChainError, match="rejectStatusCode=101 is no status of a final response"):
        respond({**RANGE, "rejectStatusCode": 101})
