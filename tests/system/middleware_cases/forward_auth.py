"""Requests that an authentication server decides about."""

from __future__ import annotations

from typing import Any

from tests.system.authentication_server import ADDRESS
from tests.system.middleware_cases.case import Case, SampleRequest

CLAIMS = [
    ("X-Forwarded-For", "198.51.100.7"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "claimed.test"),
    ("X-Forwarded-Port", "8443"),
    ("X-Forwarded-Uri", "/claimed"),
    ("X-Forwarded-Method", "PUT"),
    ("X-Forwarded-Prefix", "/claimed"),
    ("X-Real-Ip", "198.51.100.7"),
]
SPOOFED = [("X-User", "root"), ("x-group", "root"), ("X-Other", "root"), ("Cookie", "a=b")]
ALL_CLAIMS = [
    SampleRequest("/a?b=c", headers=CLAIMS),
    SampleRequest("/a?b=c", headers=CLAIMS, entry_point="trusting"),
    SampleRequest("/a", "POST", [("Authorization", "Basic eDp5")], b"body", "secure"),
]


def case(name: str, path: str, *requests: SampleRequest, departure: str = "", **options: Any) -> Case:
    middlewares = {"auth": {"forwardAuth": {"address": ADDRESS + path, **options}}}
    headers = [("Set-Cookie", "session=old"), ("Set-Cookie", "mine=old")]
    return Case(f"auth-{name}", middlewares, requests, response_headers=headers, departure=departure)


def after_headers(name: str, **options: Any) -> Case:
    added = {"X-Forwarded-Host": "set.test", "X-Forwarded-For": "192.0.2.1", "X-User": "set", "X-A": "1"}
    middlewares = {
        "headers": {"headers": {"customRequestHeaders": added}},
        "auth": {
            "forwardAuth": {
                "address": ADDRESS + "/allow",
                "authResponseHeaders": ["X-User"],
                **options,
            }
        },
    }
    requests = [SampleRequest("/x", headers=SPOOFED), SampleRequest("/x", headers=CLAIMS)]
    return Case(f"auth-after-headers-{name}", middlewares, requests)


CASES = [
    after_headers("unset"),
    after_headers("untrusted", trustForwardHeader=False),
    after_headers("trusted", trustForwardHeader=True),
    case("unset", "/allow", *ALL_CLAIMS),
    case("untrusted", "/allow", *ALL_CLAIMS, trustForwardHeader=False),
    case("trusted", "/allow", *ALL_CLAIMS, trustForwardHeader=True),
    case(
        "request-headers",
        "/allow",
        SampleRequest(headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3"), ("Authorization", "Bearer x")]),
        SampleRequest(headers=CLAIMS, entry_point="trusting"),
        authRequestHeaders=["x-a", "Authorization"],
        trustForwardHeader=False,
    ),
    case(
        "request-headers-trusted",
        "/allow",
        SampleRequest(headers=[("X-A", "1"), ("X-B", "3")]),
        SampleRequest(headers=CLAIMS, entry_point="trusting"),
        authRequestHeaders=["X-A"],
        trustForwardHeader=True,
    ),
    case(
        "response-headers",
        "/allow/verify?x=1",
        SampleRequest("/x", headers=SPOOFED),
        SampleRequest(),
        authResponseHeaders=["X-User", "x-group"],
    ),
    case(
        "absent-headers",
        "/nobody",
        SampleRequest("/x", headers=SPOOFED),
        authResponseHeaders=["X-User", "X-Group"],
    ),
    case(
        "matching-headers",
        "/allow",
        SampleRequest("/x", headers=SPOOFED),
        authResponseHeadersRegex="^X-(User|Group)",
    ),
    case("no-content", "/empty", SampleRequest(headers=SPOOFED), authResponseHeaders=["X-User"]),
    case(
        "cookies",
        "/cookies",
        SampleRequest(),
        SampleRequest(method="HEAD"),
        addAuthCookiesToResponse=["session"],
    ),
    case("cookies-unlisted", "/cookies", SampleRequest()),
    case("deny", "/deny", SampleRequest("/x"), SampleRequest("/x", "POST", body=b"body")),
    case("deny-head", "/deny", SampleRequest("/x", "HEAD")),
    case("chunked", "/chunked", SampleRequest()),
    case("odd-status", "/odd", SampleRequest()),
    case("login", "/login", SampleRequest()),
    case("sign-in", "/login", SampleRequest("/x?y=z"), authSigninURL="https://sso.test/sign-in?a=b"),
    case("sign-in-unused", "/deny", SampleRequest(), authSigninURL="https://sso.test/sign-in"),
    case("relative", "/relative", SampleRequest("/x/y")),
    case("rooted", "/rooted/verify", SampleRequest("/x/y")),
    case("rooted-preserved", "/rooted", SampleRequest("/x/y"), preserveLocationHeader=True),
    case("absolute", "/absolute", SampleRequest()),
    case(
        "method",
        "/allow",
        SampleRequest("/x", "DELETE"),
        SampleRequest("/x", "PUT", body=b"body"),
        SampleRequest("/x", "HEAD"),
        preserveRequestMethod=True,
    ),
    case("body", "/allow", SampleRequest("/x", "POST", body=b"body"), SampleRequest(), forwardBody=True),
    case(
        "body-limit",
        "/allow",
        SampleRequest("/x", "POST", body=b"1234"),
        SampleRequest("/x", "POST", body=b"12345"),
        SampleRequest("/x"),
        forwardBody=True,
        maxBodySize=4,
        preserveRequestMethod=True,
    ),
    case("response-limit", "/allow", SampleRequest(), maxResponseBodySize=2),
    case("response-at-limit", "/allow", SampleRequest(), maxResponseBodySize=3),
    case("broken", "/broken", SampleRequest(), SampleRequest()),
    case("closed", "/close", SampleRequest("/x", "POST", body=b"body"), preserveRequestMethod=True),
    Case(
        "auth-unreachable",
        {"auth": {"forwardAuth": {"address": "http://127.0.0.1:1/"}}},
        [SampleRequest(), SampleRequest(method="POST", body=b"body")],
    ),
    Case(
        "auth-after-strip",
        {
            "strip": {"stripPrefix": {"prefixes": ["/a"]}},
            "auth": {"forwardAuth": {"address": ADDRESS + "/allow"}},
        },
        [SampleRequest("/a/b%2Fc?d=e")],
    ),
]
