"""The key of a request by `sourceCriterion`."""

from typing import Any

import pytest

from proxy.http1.forwarded import pass_on_claims
from proxy.http1.limits import REMOVED_LINES_TRUSTED, Limits
from proxy.http1.request import parse_request
from proxy.middlewares.sources.source_criterion import compile_source, request_host
from rondpoint.middlewares.canonical import add_defaults, canonicalise
from tests.proxy.middlewares.sender import Sender


def source_key(
    criterion: dict[str, Any], lines: str = "", *, peer: str = "192.0.2.9", trusted: bool = True
) -> str:
    options = canonicalise("inFlightReq", {"amount": 1, "sourceCriterion": criterion}, str).options
    source = compile_source(add_defaults("inFlightReq", options)["sourceCriterion"], request_host)
    limits = Limits(removed_lines=REMOVED_LINES_TRUSTED) if trusted else Limits()
    request = parse_request(f"GET / HTTP/1.1\r\nHost: A.test:81\r\n{lines}\r\n".encode(), limits)
    assert request is not None
    request.headers, claimed = pass_on_claims(request.headers, request.host, peer.encode(), b"http", b"proxy")
    return source(request, Sender(peer, claimed))


CHAIN = "X-Forwarded-For: 203.0.113.5, 198.51.100.7\r\nX-Forwarded-For: 10.0.0.3\r\n"
SIX = "2001:db8:1:2:3:4:5:6"


@pytest.mark.parametrize(
    ("criterion", "lines", "source"),
    [
        ({}, "", "a.test:81"),
        ({"requestHost": False}, "", "a.test:81"),
        ({"requestHost": True}, "", "a.test:81"),
        ({"requestHeaderName": "X-User"}, "x-user: me\r\n", "me"),
        ({"requestHeaderName": "X-User"}, "X-User: a\r\nX-User: b\r\n", "a, b"),
        ({"requestHeaderName": "X-User"}, "", ""),
        ({"ipStrategy": {}}, CHAIN, "192.0.2.9"),
        ({"ipStrategy": {"depth": 1}}, CHAIN, "10.0.0.3"),
        ({"ipStrategy": {"depth": 3}}, CHAIN, "203.0.113.5"),
        ({"ipStrategy": {"depth": 4}}, CHAIN, ""),
        ({"ipStrategy": {"depth": 1}}, "", ""),
        ({"ipStrategy": {"excludedIPs": ["10.0.0.0/8"]}}, CHAIN, "198.51.100.7"),
        ({"ipStrategy": {"excludedIPs": ["10.0.0.3", "198.51.100.0/24"]}}, CHAIN, "203.0.113.5"),
        ({"ipStrategy": {"excludedIPs": ["0.0.0.0/0"]}}, CHAIN, ""),
        ({"ipStrategy": {"excludedIPs": ["0.0.0.0/0"]}}, "X-Forwarded-For: unknown\r\n", "unknown"),
        ({"ipStrategy": {"depth": 1, "ipv6Subnet": 64}}, f"X-Forwarded-For: {SIX}\r\n", "2001:db8:1:2::"),
        ({"ipStrategy": {"depth": 1, "ipv6Subnet": 64}}, CHAIN, "10.0.0.3"),
        ({"ipStrategy": {"depth": 1, "ipv6Subnet": 64}}, "X-Forwarded-For: odd\r\n", "odd"),
    ],
)
def test_the_key_of_a_request(criterion: dict[str, Any], lines: str, source: str) -> None:
    assert source_key(criterion, lines) == source


def test_an_ipv6_subnet_counts_as_one_client() -> None:
    assert source_key({"ipStrategy": {"ipv6Subnet": 48}}, peer=SIX) == "2001:db8:1::"
    assert source_key({"ipStrategy": {"ipv6Subnet": 48}}, peer="") == ""


def test_forwarded_headers_of_untrusted_clients_do_not_count() -> None:
    assert source_key({"ipStrategy": {"depth": 1}}, CHAIN, trusted=False) == ""


@pytest.mark.parametrize(
    "criterion",
    [
        {"requestHost": True, "requestHeaderName": "X"},
        {"requestHost": True, "ipStrategy": {}},
        {"requestHeaderName": "X", "ipStrategy": {"depth": 1}},
    ],
)
def test_two_criteria_are_refused(criterion: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="are mutually exclusive"):
        source_key(criterion)
