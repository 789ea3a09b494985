"""HTTP-01 challenges, without a store."""

from typing import cast

import pytest

from proxy.acme_challenges.challenge_lookup import ChallengeLookup, LookupFailedError
from proxy.acme_challenges.http_challenges import HttpChallenges
from proxy.exchange.downstream import Downstream
from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.request import parse_request
from proxy.per_request.local_response import LocalResponse

BELOW = "/.well-known/acme-challenge/"
LONGEST = "x" * 256


class Lookup:
    """Knows two challenges; `asked` are the names that were looked up."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, name: str) -> str | None:
        self.asked.append(name)
        if name.endswith("broken"):
            raise LookupFailedError("the store of challenges does not reply")
        return {"http-01 a_B-9": "a_B-9.print", f"http-01 {LONGEST}": "long"}.get(name)


def outcome(target: str, method: str = "GET", lines: str = "", *, bypass: bool = False) -> tuple[int, str]:
    """Return status and content, or status 0 if routers get the request."""
    head = f"{method} {target} HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n"
    request = parse_request(head.encode(), Limits())
    assert request is not None
    lookup = Lookup()
    match = HttpChallenges(cast("ChallengeLookup", lookup), bypass=bypass).find(request)
    if match is None:
        return 0, ""
    with pytest.raises((LocalResponse, RequestError)) as caught:
        match(request, cast("Downstream", None))
    found = caught.value
    if isinstance(found, LocalResponse):
        assert found.lines == b"\r\nContent-Type: text/plain; charset=utf-8"
        return found.status, found.body.decode()
    assert isinstance(found, RequestError)
    # Only what may be a token leads to a lookup.
    assert (found.status in (404, 405)) or lookup.asked
    return found.status, found.reason


@pytest.mark.parametrize(
    ("target", "expected"),
    {
        "a_B-9": (200, "a_B-9.print"),
        "a_B-9/": (200, "a_B-9.print"),
        "a_B-9//": (200, "a_B-9.print"),
        "a_B-9?q=1": (200, "a_B-9.print"),
        LONGEST: (200, "long"),
        "unknown": (404, ""),
        "broken": (503, "the store of challenges does not reply"),
    }.items(),
)
def test_the_store_decides_about_tokens(target: str, expected: tuple[int, str]) -> None:
    assert outcome(BELOW + target) == expected
    assert outcome(BELOW + target, "HEAD") == expected


@pytest.mark.parametrize(
    "target",
    ["", "/", "a_B-9/b", "a_B-9//b", "a.B", "a%5FB-9", "a*", f"{LONGEST}x", "broken%0a", "é"],
)
def test_what_is_no_token_is_not_found(target: str) -> None:
    assert outcome(BELOW + target) == (404, "")


@pytest.mark.parametrize("lines", ["", "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"])
@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE"])
def test_only_get_and_head_are_allowed(method: str, lines: str) -> None:
    assert outcome(f"{BELOW}a_B-9", method, lines) == (405, "")


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/.well-known/acme-challenge",
        "/.well-known/acme-challenges/a_B-9",
        "/x/.well-known/acme-challenge/a_B-9",
        "/.well-known/other",
    ],
)
def test_routers_get_other_paths(target: str) -> None:
    assert outcome(target) == (0, "")


@pytest.mark.parametrize(
    ("target", "expected"),
    {
        "a_B-9": (200, "a_B-9.print"),
        "unknown": (0, ""),
        "broken": (0, ""),
        "no/token": (0, ""),
    }.items(),
)
def test_with_a_bypass_routers_get_unknown_tokens(target: str, expected: tuple[int, str]) -> None:
    assert outcome(BELOW + target, bypass=True) == expected
    assert outcome(BELOW + target, "POST", bypass=True) == (0, "")
