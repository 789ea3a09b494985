"""Middlewares that change the path."""

from __future__ import annotations

from tests.system.middleware_cases.case import Case, SampleRequest

CASES = [
    Case(
        "strip-then-add",
        {"strip": {"stripPrefix": {"prefixes": ["/a"]}}, "add": {"addPrefix": {"prefix": "/b"}}},
        [
            SampleRequest("/a/x?q=1"),
            SampleRequest("/c"),
            SampleRequest("/a/y", "POST", [("X-Forwarded-Prefix", "/mine")], b"body", "trusting"),
        ],
    ),
    Case(
        "replace-everything",
        {"to": {"replacePathRegex": {"regex": ".*", "replacement": "/x"}}},
        [SampleRequest("/a/b?q")],
    ),
    Case(
        "replace-empty-matches",
        {"to": {"replacePathRegex": {"regex": "b*", "replacement": "-"}}},
        [SampleRequest("/abbc"), SampleRequest("/bab")],
        departure="Traefik sends a path without a slash at its start, which is no valid request",
    ),
    Case(
        "chain-of-two",
        {
            "both": {"chain": {"middlewares": ["add", "replace"]}},
            "add": {"addPrefix": {"prefix": "/b"}},
            "replace": {"replacePathRegex": {"regex": "^/b/(.*)", "replacement": "/$1/c"}},
        },
        [SampleRequest("/x"), SampleRequest("/x", entry_point="secure")],
        chain=["both"],
        response_headers=[("X-Origin", "one"), ("X-Origin", "two"), ("Set-Cookie", "a=b")],
    ),
]
