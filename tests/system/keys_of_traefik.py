"""Cases of keys in key-value stores, with requests that are sent to both proxies.

In keys, values and requests, {n} stands for the case's name and {s} for the provider's; {one} and {two} are
the URLs of two origins. All cases of a store are one tree: Traefik drops all of it for one invalid value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

R, S, M = "http/routers/{n}", "http/services/{n}", "http/middlewares/{n}"
HOST = "Host(`{n}.{s}.test`)"
URL = f"{S}/loadBalancer/servers/0/url"
USERS = "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
SIGNED = ("Authorization", "Basic dGVzdDp0ZXN0")

Keys = Mapping[str, str]
Request = tuple[str, Sequence[tuple[str, str]]]
"""`METHOD host/target`, and headers."""


def route(rule: str = HOST, **router: str) -> dict[str, str]:
    """Return the keys of a router and a service with one server; `router` has further options."""
    options = {f"{R}/{key.replace('__', '/')}": value for key, value in router.items()}
    return {f"{R}/rule": rule, f"{R}/service": "{n}", URL: "{one}", **options}


def through(middleware: Keys) -> dict[str, str]:
    """Return the keys of a route through a middleware with these options."""
    return route(middlewares="{n}") | {f"{M}/{key}": value for key, value in middleware.items()}


CASES: Mapping[str, tuple[Keys, Sequence[str | Request]]] = {
    "plain": (route(), ["{n}.{s}.test/", "{n}.{s}.test/a?b=c", "a.{n}.{s}.test/"]),
    "path": (
        route(HOST + " && PathPrefix(`/api`)"),
        ["{n}.{s}.test/", "{n}.{s}.test/api/x", "{n}.{s}.test/apix"],
    ),
    "entry-point": (route(entryPoints="web"), ["{n}.{s}.test/"]),
    "entry-points": (route(entryPoints__0="other", entryPoints__1="web"), ["{n}.{s}.test/"]),
    "listed-entry-points": (route(entryPoints="other,web"), ["{n}.{s}.test/"]),
    "other-entry-point": (route(entryPoints__0="other"), ["{n}.{s}.test/"]),
    "tls": (route(tls="true"), ["{n}.{s}.test/"]),
    "case": (
        {
            "HTTP/Routers/{n}/RULE": HOST,
            "http/routers/{n}/SERVICE": "{n}",
            "http/services/{n}/loadbalancer/SERVERS/0/URL": "{one}",
        },
        ["{n}.{s}.test/"],
    ),
    "two-servers": ({**route(), f"{S}/loadBalancer/servers/1/url": "{two}"}, ["{n}.{s}.test/"]),
    "weights": (
        {
            **route(),
            f"{S}/loadBalancer/servers/0/weight": "3",
            f"{S}/loadBalancer/servers/1/url": "{two}",
        },
        ["{n}.{s}.test/"],
    ),
    "gap": (
        {
            f"{R}/rule": HOST,
            f"{R}/service": "{n}",
            f"{S}/loadBalancer/servers/3/url": "{one}",
            f"{S}/loadBalancer/servers/10/url": "{two}",
        },
        ["{n}.{s}.test/"],
    ),
    "pass-host": ({**route(), f"{S}/loadBalancer/passHostHeader": "false"}, ["{n}.{s}.test/"]),
    "no-service": ({f"{R}/rule": HOST}, ["{n}.{s}.test/"]),
    "unknown-service": (route(service="nowhere"), ["{n}.{s}.test/"]),
    "own-service": (route(service="{n}@{s}"), ["{n}.{s}.test/"]),
    "priority": (
        {
            **route(HOST + " && PathPrefix(`/`)", priority="10"),
            "http/routers/{n}-2/rule": HOST,
            "http/routers/{n}-2/service": "{n}-2",
            "http/routers/{n}-2/priority": "20",
            "http/services/{n}-2/loadBalancer/servers/0/url": "{two}",
        },
        ["{n}.{s}.test/"],
    ),
    "strip": (
        through({"stripPrefix/prefixes/0": "/a", "stripPrefix/prefixes/1": "/b"}),
        ["{n}.{s}.test/a/x", "{n}.{s}.test/b", "{n}.{s}.test/c"],
    ),
    "strip-listed": (through({"stripPrefix/prefixes": "/a,/b"}), ["{n}.{s}.test/a/x", "{n}.{s}.test/b/y"]),
    "add": (through({"addPrefix/prefix": "/added"}), ["{n}.{s}.test/x"]),
    "headers": (
        through(
            {
                "headers/customRequestHeaders/X-Role": "user",
                "headers/customRequestHeaders/X-Secret": "",
                "headers/customResponseHeaders/X-Target": "replaced",
            }
        ),
        [("GET {n}.{s}.test/", [("X-Secret", "s"), ("X-Role", "admin")])],
    ),
    "users": (through({"basicAuth/users/0": USERS}), ["{n}.{s}.test/", ("GET {n}.{s}.test/", [SIGNED])]),
    "allowed": (through({"ipAllowList/sourceRange/0": "127.0.0.0/8"}), ["{n}.{s}.test/"]),
    "refused": (through({"ipAllowList/sourceRange": "10.0.0.0/8,10.1.0.0/16"}), ["{n}.{s}.test/"]),
    "redirect": (
        through({"redirectRegex/regex": "/old/(.*)", "redirectRegex/replacement": "/new/${1}"}),
        ["{n}.{s}.test/old/x", "{n}.{s}.test/x"],
    ),
    "compress": (through({"compress": "true"}), ["{n}.{s}.test/"]),
    "unknown-middleware": (route(middlewares="nothing"), ["{n}.{s}.test/"]),
    "chain": (
        {
            **through({"chain/middlewares/0": "{n}-a", "chain/middlewares/1": "{n}-b"}),
            "http/middlewares/{n}-a/stripPrefix/prefixes/0": "/a",
            "http/middlewares/{n}-b/addPrefix/prefix": "/b",
        },
        ["{n}.{s}.test/a/x"],
    ),
    "two-middlewares": (
        {
            **route(middlewares__0="{n}-a", middlewares__1="{n}-b"),
            "http/middlewares/{n}-a/addPrefix/prefix": "/a",
            "http/middlewares/{n}-b/addPrefix/prefix": "/b",
        },
        ["{n}.{s}.test/x"],
    ),
    "weighted": (
        {
            **route(service="{n}-all"),
            "http/services/{n}-2/loadBalancer/servers/0/url": "{two}",
            "http/services/{n}-all/weighted/services/0/name": "{n}",
            "http/services/{n}-all/weighted/services/0/weight": "3",
            "http/services/{n}-all/weighted/services/1/name": "{n}-2",
            "http/services/{n}-all/weighted/services/1/weight": "1",
        },
        ["{n}.{s}.test/"],
    ),
    "mirroring": (
        {
            **route(service="{n}-all"),
            "http/services/{n}-all/mirroring/service": "{n}",
            "http/services/{n}-all/mirroring/mirrors/0/name": "{n}",
            "http/services/{n}-all/mirroring/mirrors/0/percent": "0",
        },
        ["{n}.{s}.test/"],
    ),
    "blanks": (route(" " + HOST + " ", entryPoints="other, web"), ["{n}.{s}.test/"]),
    "blank-list": (through({"stripPrefix/prefixes": "/a, /b"}), ["{n}.{s}.test/a/x", "{n}.{s}.test/b/x"]),
    "dotted.name": (route(), ["{n}.{s}.test/"]),
    "42": (route(), ["{n}.{s}.test/"]),
    "with-at": (
        {**route(), "http/routers/{n}@x/rule": HOST + " && Path(`/x`)", "http/routers/{n}@x/service": "{n}"},
        ["{n}.{s}.test/x"],
    ),
    "own-middleware": (
        {**through({"addPrefix/prefix": "/a"}), f"{R}/middlewares": "{n}@{s}"},
        ["{n}.{s}.test/x"],
    ),
    "sticky": (
        {**route(), f"{S}/loadBalancer/sticky/cookie/name": "chosen"},
        ["{n}.{s}.test/"],
    ),
    "transport": (
        {
            **route(),
            f"{S}/loadBalancer/serversTransport": "{n}",
            "http/serversTransports/{n}/maxIdleConnsPerHost": "7",
        },
        ["{n}.{s}.test/"],
    ),
    "unknown-transport": (
        {**route(), f"{S}/loadBalancer/serversTransport": "nothing"},
        ["{n}.{s}.test/"],
    ),
    "two-kinds": (
        through({"addPrefix/prefix": "/a", "stripPrefix/prefixes/0": "/b"}),
        ["{n}.{s}.test/x"],
    ),
    "old-syntax": (
        route("Host(`{n}.{s}.test`, `{n}.test`)", ruleSyntax="v2"),
        ["{n}.{s}.test/", "{n}.test/"],
    ),
    "no-servers": (
        {f"{R}/rule": HOST, f"{R}/service": "{n}", f"{S}/loadBalancer/passHostHeader": "true"},
        ["{n}.{s}.test/"],
    ),
    "path-of-server": ({**route(), URL: "{one}/base"}, ["{n}.{s}.test/x"]),
    "query": (route(HOST + " && Query(`a`, `b`)"), ["{n}.{s}.test/?a=b", "{n}.{s}.test/?a=c"]),
    "bad-rule": (route("Hots(`x`)"), ["{n}.{s}.test/"]),
    "empty-rule": (route(""), ["{n}.{s}.test/"]),
}

DIFFERENCES: Mapping[tuple[str, str], str] = {
    ("42", "{n}.{s}.test/"): "objects may have numbers as names; Traefik takes them for places in a list",
    (
        "unknown-transport",
        "{n}.{s}.test/",
    ): "a service whose serversTransport does not exist responds 503; Traefik drops the router",
    (
        "path-of-server",
        "{n}.{s}.test/x",
    ): "a server whose URL has a path is reported and left out; Traefik ignores the path",
}
"""(case, request) → why the outcomes differ."""

DIFFERENCES_OF_STORES = {
    ("redis", "headers", "GET {n}.{s}.test/"): "Traefik ignores empty values in Redis, and in no other store",
}
"""The requests of one store in which Rondpoint and Traefik differ on purpose, with the reason."""
