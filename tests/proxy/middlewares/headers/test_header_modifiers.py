"""The middlewares requestHeaderModifier and responseHeaderModifier: header lines before and after."""

from typing import Any

import pytest

from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.middlewares.chains import ChainError, Chains
from rondpoint.model import Middleware
from tests.proxy.middlewares.sender import Sender

# options, lines before, lines after
CHANGED: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"set": {"X-A": "2"}}, ["x-a: 1", "X-B: 1"], ["X-B: 1", "X-A: 2"]),
    ({"set": {"X-A": "2"}}, [], ["X-A: 2"]),
    ({"add": {"X-A": "2"}}, ["X-A: 1"], ["X-A: 1", "X-A: 2"]),
    ({"remove": ["X-A", "x-c"]}, ["x-a: 1", "X-B: 1", "X-A: 2"], ["X-B: 1"]),
    (
        {"set": {"X-A": "2"}, "add": {"X-B": "2"}, "remove": ["X-C"]},
        ["X-A: 1", "X-B: 1", "X-C: 1"],
        ["X-B: 1", "X-A: 2", "X-B: 2"],
    ),
]


def request_with(*lines: str) -> Request:
    text = "\r\n".join(("GET / HTTP/1.1", "Host: a.test", *lines, "", ""))
    request = parse_request(text.encode(), Limits())
    assert request is not None
    return request


def run(kind: str, options: dict[str, Any], request: Request) -> Sender:
    chains, client = Chains(), Sender()
    chains.put(Middleware("m", kind, options))
    for step in chains.compile_chain(("m",), "router", "r"):
        step(request, client)
    return client


@pytest.mark.parametrize(("options", "before", "after"), CHANGED)
def test_headers_of_the_request_change(options: dict[str, Any], before: list[str], after: list[str]) -> None:
    request = request_with(*before)
    run("requestHeaderModifier", options, request)
    assert [line for line in request.headers.decode().split("\r\n")[1:] if line != "Host: a.test"] == after


@pytest.mark.parametrize(("options", "before", "after"), CHANGED)
def test_headers_of_the_response_change(options: dict[str, Any], before: list[str], after: list[str]) -> None:
    request = request_with()
    lines = request.headers
    client = run("responseHeaderModifier", options, request)
    assert request.headers == lines
    assert client.extras is not None
    head = client.extras.apply_response_steps("\r\n".join(("HTTP/1.1 200 OK", *before)).encode())
    assert head.decode().split("\r\n")[1:] == after


def test_the_host_for_the_server_can_be_set() -> None:
    request = request_with()
    run("requestHeaderModifier", {"set": {"Host": "b.test"}}, request)
    assert request.headers == b"\r\nHost: b.test"


@pytest.mark.parametrize("kind", ["requestHeaderModifier", "responseHeaderModifier"])
@pytest.mark.parametrize(
    "options",
    [
        {"set": {"Connection": "close"}},
        {"add": {"Content-Length": "1"}},
        {"remove": ["Transfer-Encoding"]},
        {"set": {"X-A": "a\r\nX-B: c"}},
        {"add": {"X A": "a"}},
    ],
    ids=["framing-set", "framing-added", "framing-removed", "value", "name"],
)
def test_headers_that_no_user_may_change_are_refused(kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(ChainError):
        run(kind, options, request_with())
