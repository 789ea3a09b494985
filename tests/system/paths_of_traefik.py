"""Middlewares of every kind that changes paths, with their options and request targets.

In targets and hosts, {n} stands for the row's name.
"""

from __future__ import annotations

from typing import Any

from tests.system.rules_of_traefik import Routers, one_router, requests_for

MIDDLEWARES: dict[str, dict[str, Any]] = {
    "strip": {"stripPrefix": {"prefixes": ["/a", "/b/"]}},
    "strip-root": {"stripPrefix": {"prefixes": ["/"]}},
    "strip-blank": {"stripPrefix": {"prefixes": ["/a b"]}},
    "strip-far": {"stripPrefix": {"prefixes": ["/\u00e9"]}},
    "strip-pattern": {"stripPrefixRegex": {"regex": ["/v[0-9]+", "^/x/[a-z]*"]}},
    "add": {"addPrefix": {"prefix": "/p q"}},
    "add-bare": {"addPrefix": {"prefix": "pp"}},
    "replace": {"replacePath": {"path": "/r s"}},
    "replace-query": {"replacePath": {"path": "/r?x=1"}},
    "replace-pattern": {"replacePathRegex": {"regex": "^/a/(.*)", "replacement": "/b/$1"}},
    "replace-often": {"replacePathRegex": {"regex": "a", "replacement": "bb"}},
    "replace-named": {
        "replacePathRegex": {"regex": "^/(?P<x>[^/]+)/(?P<y>.*)$", "replacement": "/${y}/${x}"}
    },
    "replace-question": {"replacePathRegex": {"regex": "^/q(.*)", "replacement": "/z?$1"}},
}
"""Each middleware belongs to the router with its name."""


def path_requests(*targets: str) -> tuple[Routers, list[Any]]:
    return one_router("Host(`{n}.test`)", middlewares=["{n}"]), requests_for(*targets)


PATHS = {
    "strip": path_requests(
        *(
            "/a",
            "/a/",
            "/a/x",
            "/ax",
            "/ax/y",
            "/a//x",
            "/%61/x",
            "/b",
            "/b/",
            "/b/x",
            "/c/a",
            "/a?q",
            "/A/x",
        ),
        *("//a/x", "/x/../a/y", "/a/./x", "/a/..", "/a/../x", "/a/%E9", "/a/b;c", "/a/+", "/a/%2B", "/a/%25"),
        *("/a/%5Bx%5D", "/a/%2e%2e/x", "/a%20", "/a/x%2Fy", "/a%2Fx"),
    ),
    "strip-root": path_requests("/", "/x", "/x/y", "//"),
    "strip-blank": path_requests("/a%20b/c", "/a+b/c"),
    "strip-far": path_requests("/%C3%A9/x", "/\xc3\xa9/x", "/%c3%a9/x%2Fy"),
    "strip-pattern": path_requests(
        "/v1/x", "/v1", "/v12x/y", "/x/v1/y", "/x/abc/d", "/x/", "/%761/x", "/v1/x%2Fy"
    ),
    "add": path_requests("/", "/x?q", "/\xc3\xa9", "/a%20b", "//x", "/x%2Fy"),
    "add-bare": path_requests("/x", "/"),
    "replace": path_requests("/", "/x%2Fy?q=1"),
    "replace-query": path_requests("/x", "/x?y"),
    "replace-pattern": path_requests(
        "/a/x", "/a/x%2Fy", "/a/%41", "/c", "/a/x?q=a", "/%61/x", "/a/", "/x/../a/y", "/a//b"
    ),
    "replace-often": path_requests("/a", "/aaa", "/b", "/%61"),
    "replace-named": path_requests("/one/two/three", "/one%2Ftwo/three", "/one"),
    "replace-question": path_requests("/qx", "/qx?y=1"),
}


PATH_AS_SENT = "the server gets the unchanged part of a path as it was sent"
DIFFERENCES = {
    ("strip", "{n}.test/a%2Fx"): PATH_AS_SENT,
    ("add", "{n}.test/x%2Fy"): PATH_AS_SENT,
}
