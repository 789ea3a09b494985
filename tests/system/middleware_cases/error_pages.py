"""Responses that get a page of another service, and failover services that try another one.

The origin responds to `/respond/503` with this status.
"""

from __future__ import annotations

from typing import Any

from tests.system.middleware_cases.case import Case, SampleRequest
from tests.system.page_server import DOWN, MISSING, SERVICE

HEADERS = [("X-Original", "1"), ("Set-Cookie", "original=1"), ("Retry-After", "7")]
CLAIMS = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "claimed.test"), ("X-Forwarded-Port", "8443")]
CLIENT = [("Accept", "text/html"), ("Authorization", "Basic eDp5"), ("Cookie", "a=b"), ("X-A", "1")]


def get(status: int, query: str = "", **parts: Any) -> SampleRequest:
    return SampleRequest(f"/respond/{status}{query}", **parts)


def case(
    name: str,
    *requests: SampleRequest,
    departure: str = "",
    headers: list[tuple[str, str]] = HEADERS,
    inner: dict[str, Any] | None = None,
    outer: dict[str, Any] | None = None,
    **options: Any,
) -> Case:
    given = {"status": ["404", "500-599"], "service": SERVICE, "query": "/{status}.html", **options}
    middlewares = {"errors": {"errors": given}}
    if outer is not None:
        middlewares = {"outer": outer, **middlewares}
    if inner is not None:
        middlewares["inner"] = inner
    return Case(f"errors-{name}", middlewares, requests, response_headers=headers, departure=departure)


def failover(name: str, *requests: SampleRequest, departure: str = "", **errors: Any) -> Case:
    return Case(
        f"failover-{name}",
        {},
        requests,
        response_headers=HEADERS,
        departure=departure,
        failover={"status": ["404", "500-504"], **errors},
    )


CASES = [
    case(
        "status",
        *(get(status) for status in (200, 201, 302, 400, 404, 410, 499, 500, 503, 599)),
        get(500, method="HEAD"),
        get(200, method="HEAD"),
        get(404, "?a=b", method="POST", body=b"body", headers=[("Content-Type", "text/plain")]),
        get(500, method="PUT", body=b"body"),
        get(503, method="OPTIONS"),
        get(500, headers=CLIENT),
        get(500, headers=CLAIMS),
        get(500, headers=CLAIMS, entry_point="trusting"),
        get(500, headers=CLIENT, entry_point="secure"),
    ),
    case("ranges", get(403), get(404), get(405), get(599), status=["403-404", "599"]),
    case(
        "url",
        get(404, "?a=b&c={status}"),
        get(404, "/a%2F%20/b+c?d=e%26f"),
        get(500, entry_point="secure"),
        get(500, headers=[("Host", "ERRORS-url.test:81")]),
        query="e/{status}/p?u={url}&o={originalStatus}",
    ),
    case("bare-query", get(404), get(500), query="page"),
    case("no-query", get(404), query=""),
    case("fragment", get(404), query="/a?b=c#d"),
    case(
        "rewrites",
        get(404),
        get(500),
        get(503),
        get(418),
        query="/{status}/{originalStatus}",
        status=["400-599"],
        statusRewrites={"404": 200, "500-502": 418, "503": 599},
    ),
    case("some-headers", get(500, headers=CLIENT), errorRequestHeaders=["x-a", "Cookie", "X-Absent"]),
    case(
        "no-headers",
        get(500, headers=CLIENT),
        errorRequestHeaders=[],
        departure="Traefik takes an empty list in a file for none, unlike its documents, and sends all",
    ),
    case(
        "forwarded-headers",
        get(500, headers=CLAIMS),
        get(500, headers=CLAIMS, entry_point="trusting"),
        errorRequestHeaders=["X-Forwarded-Proto", "X-Forwarded-Host"],
    ),
    case("missing-page", get(404), get(500, method="HEAD"), query=MISSING),
    case("no-content", get(204), get(200), status=["500"]),
    case(
        "refused-inside",
        get(200),
        get(200, method="HEAD"),
        get(200, method="POST", body=b"body"),
        status=["403"],
        inner={"ipAllowList": {"sourceRange": ["192.0.2.0/24"]}},
    ),
    case(
        "refused-outside",
        get(200),
        status=["403"],
        outer={"ipAllowList": {"sourceRange": ["192.0.2.0/24"]}},
    ),
    case(
        "changed-inside",
        get(500, "?a=b"),
        query="/?{url}",
        inner={"stripPrefix": {"prefixes": ["/gone"]}},
    ),
    case(
        "prefix-inside",
        SampleRequest("/gone/respond/500?a=b"),
        query="/?{url}",
        inner={"stripPrefix": {"prefixes": ["/gone"]}},
    ),
    case(
        "headers-inside",
        get(500, headers=CLIENT),
        inner={
            "headers": {
                "customRequestHeaders": {"X-A": "2", "Host": "inner.test"},
                "customResponseHeaders": {"X-Inner": "1"},
            }
        },
    ),
    case(
        "headers-outside",
        get(500),
        get(200),
        outer={"headers": {"customResponseHeaders": {"X-Outer": "1", "X-Page": ""}}},
    ),
    case(
        "compressed-outside",
        get(500, headers=[("Accept-Encoding", "gzip")]),
        outer={"compress": {"minResponseBodyBytes": 1}},
    ),
    case(
        "own-error",
        SampleRequest(),
        SampleRequest("/x", "POST", body=b"body"),
        inner={"forwardAuth": {"address": "http://127.0.0.1:1"}},
    ),
    case(
        "pages-down",
        get(500),
        service=DOWN,
        departure="Traefik responds with the text `Bad Gateway`, Rondpoint with the original response",
    ),
    case(
        "challenge",
        get(401),
        status=["401"],
        headers=[("WWW-Authenticate", 'Basic realm="a"')],
        departure="Traefik drops WWW-Authenticate, which RFC 9110 §15.5.2 requires",
    ),
    case(
        "allow",
        get(405),
        status=["405"],
        headers=[("Allow", "GET")],
        departure="Traefik drops Allow, which RFC 9110 §15.5.6 requires",
    ),
    case(
        "conditions",
        get(404, headers=[("Range", "bytes=0-1"), ("If-None-Match", "page")]),
        departure="Traefik sends the client's conditions to the page's server, which so may send no page",
    ),
    failover(
        "status",
        *(get(status) for status in (200, 302, 404, 410, 499, 500, 503, 505)),
        get(500, method="HEAD"),
        get(500, method="POST", body=b"body"),
        get(200, method="POST", body=b"body"),
        get(504, "?a=b", method="DELETE"),
        get(
            500,
            headers=[*CLIENT, ("Transfer-Encoding", "chunked")],
            method="PUT",
            body=b"2\r\nab\r\n0\r\n\r\n",
        ),
    ),
    failover(
        "limit",
        get(500, method="POST", body=b"1234567"),
        get(500, method="POST", body=b"12345678"),
        get(200, method="POST", body=b"12345678"),
        get(500),
        maxRequestBodyBytes=7,
    ),
]
