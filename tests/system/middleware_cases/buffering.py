"""The middleware buffering: whole bodies with limits, and retries; the origin responds with 200."""

from __future__ import annotations

from typing import Any

from tests.system.middleware_cases.case import Case, SampleRequest

CHUNKED = (("Transfer-Encoding", "chunked"),)
BIG = bytes(range(256)) * 6_000


def buffering(**options: Any) -> dict[str, Any]:
    """Return the middleware with these options."""
    return {"buffering": {"buffering": options}}


def chunked(body: bytes, size: int = 700) -> bytes:
    """Return the body in chunks of this size."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def put(path: str, body: bytes) -> SampleRequest:
    """Return a request with this body and its length."""
    return SampleRequest(path, "PUT", body=body)


def put_chunks(path: str, body: bytes) -> SampleRequest:
    """Return a request with this body in chunks."""
    return SampleRequest(path, "PUT", CHUNKED, chunked(body))


BODIES = [
    SampleRequest("/none"),
    SampleRequest("/head", "HEAD"),
    put("/short", b"x"),
    put("/thousand", b"y" * 1000),
    put("/more", b"y" * 1001),
    put_chunks("/thousand-in-chunks", b"z" * 1000),
    put_chunks("/more-in-chunks", b"z" * 1001),
    put_chunks("/empty-in-chunks", b""),
]
TWICE = [
    put("/first", b"first"),
    SampleRequest("/second", "POST", body=b"second"),
    put_chunks("/third", b"third"),
    put("/fourth", b"w" * 5000),
]

CASES = [
    Case("buffering-without-limits", buffering(memRequestBodyBytes=100), [*BODIES, put("/big", BIG)]),
    Case("buffering-zeros", buffering(memRequestBodyBytes=0, maxRequestBodyBytes=0), BODIES),
    Case("buffering-request-limit", buffering(maxRequestBodyBytes=1000), BODIES),
    Case(
        "buffering-request-limit-on-disk", buffering(maxRequestBodyBytes=1000, memRequestBodyBytes=10), BODIES
    ),
    Case(
        "buffering-response-limit",
        buffering(maxResponseBodyBytes=1000, memResponseBodyBytes=10),
        [SampleRequest("/get"), SampleRequest("/head", "HEAD"), SampleRequest("/delete", "DELETE")],
        response_body=b"r" * 1000,
    ),
    Case(
        "buffering-response-beyond-the-limit",
        buffering(maxResponseBodyBytes=1000),
        [SampleRequest("/head", "HEAD")],
        response_body=b"r" * 1001,
    ),
    Case(
        "buffering-big-response",
        buffering(memResponseBodyBytes=1000),
        [SampleRequest("/get"), put("/put", b"p")],
        response_body=BIG,
    ),
    Case(
        "buffering-retry-by-status",
        buffering(retryExpression="ResponseCode() == 200 && Attempts() <= 2"),
        TWICE,
    ),
    Case("buffering-retry-at-most", buffering(retryExpression="ResponseCode() == 200"), TWICE),
    Case("buffering-no-retry", buffering(retryExpression="IsNetworkError() || ResponseCode() > 499"), TWICE),
    Case(
        "buffering-retry-by-method",
        buffering(retryExpression='RequestMethod() == "POST" && Attempts() < 2'),
        TWICE,
    ),
    Case(
        "buffering-retry-by-other-method",
        buffering(retryExpression='RequestMethod() != "POST" && Attempts() < 4'),
        TWICE,
    ),
    Case(
        "buffering-retry-grouped",
        buffering(retryExpression="(ResponseCode() != 200 || Attempts() < 3) && ResponseCode() >= 200"),
        TWICE,
    ),
    Case(
        "buffering-retry-on-disk",
        buffering(retryExpression="Attempts() < 3", memRequestBodyBytes=10, memResponseBodyBytes=10),
        TWICE,
    ),
    Case(
        "buffering-before-a-path",
        {**buffering(maxRequestBodyBytes=1000), "add": {"addPrefix": {"prefix": "/p"}}},
        BODIES,
    ),
    Case(
        "buffering-after-compress",
        {"zip": {"compress": {}}, **buffering(memResponseBodyBytes=100)},
        [SampleRequest("/get", headers=[("Accept-Encoding", "gzip")])],
        response_headers=[("Content-Type", "text/plain")],
        response_body=b"text " * 1000,
    ),
    Case(
        "buffering-twice",
        {
            "wide": {"buffering": {"maxRequestBodyBytes": 2000, "memRequestBodyBytes": 10}},
            **buffering(maxRequestBodyBytes=1000),
        },
        BODIES,
    ),
    Case(
        "buffering-retry-without-body",
        buffering(retryExpression="Attempts() < 3"),
        [SampleRequest("/get")],
        departure="Traefik repeats only requests with a body since it can leave requests unbuffered; the ones"
        " without are the safest to repeat",
    ),
    Case(
        "buffering-retry-negated",
        buffering(retryExpression="!(ResponseCode() == 200)"),
        TWICE,
        departure="Traefik has no negation, and drops the router",
    ),
]
