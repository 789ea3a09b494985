"""Examples of keys in a key-value store."""

from __future__ import annotations

from rondpoint.model import Server, Service
from tests.system.examples_of_traefik_1.example import Example, Served

PAGE = "user-guide/kv-config"

_BACKENDS = {
    "backends/one/circuitbreaker/expression": "NetworkErrorRatio() > 0.5",
    "backends/one/servers/a/url": "http://10.0.0.1:80",
    "backends/one/servers/a/weight": "10",
    "backends/one/servers/b/url": "http://10.0.0.2:80",
    "backends/one/servers/b/weight": "1",
    "backends/one/servers/b/tags": "api,greeting",
    "backends/two/maxconn/amount": "10",
    "backends/two/maxconn/extractorfunc": "request.host",
    "backends/two/loadbalancer/method": "drr",
    "backends/two/servers/c/url": "http://10.0.0.3:80",
    "backends/two/servers/c/weight": "1",
    "backends/two/servers/c/tags": "web",
}

EXAMPLES = [
    Example(
        "backends and frontends as keys",
        PAGE,
        [
            Served("one.test", "two", ("inFlightReq",)),
            Served("any.test/test/x", "one", ("basicAuth", "circuitBreaker")),
            Served("any.test/test/x", "one", ("basicAuth", "circuitBreaker"), entry_point="https"),
        ],
        keys={
            **_BACKENDS,
            "frontends/first/backend": "two",
            "frontends/first/routes/r/rule": "Host:one.test",
            "frontends/second/backend": "one",
            "frontends/second/passhostheader": "true",
            "frontends/second/priority": "10",
            "frontends/second/auth/basic/users/0": "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
            "frontends/second/auth/basic/users/1": "test2:$apr1$d9hr9HBB$4HxwgUir3HP4EsggP/QNo0",
            "frontends/second/entrypoints": "http,https",
            "frontends/second/routes/r/rule": "PathPrefix:/test",
        },
        services={
            "one": Service("one@P", (Server("a", "10.0.0.1", 80, weight=10), Server("b", "10.0.0.2", 80))),
            "two": Service("two@P", (Server("c", "10.0.0.3", 80),), strategy="drr"),
        },
    ),
    Example(
        "options of frontends and backends as keys",
        PAGE,
        [
            Served(
                "shop.test",
                "one",
                ("errors", "ipAllowList", "redirectEntryPoint", "headers", "rateLimit", "buffering"),
            )
        ],
        keys={
            "backends/one/servers/a/url": "http://10.0.0.1:80",
            "backends/one/buffering/maxrequestbodybytes": "1000",
            "backends/one/buffering/retryexpression": "IsNetworkError() && Attempts() <= 2",
            "backends/pages/servers/a/url": "http://10.0.0.2:80",
            "frontends/f/backend": "one",
            "frontends/f/routes/r/rule": "Host:shop.test",
            "frontends/f/redirect/entrypoint": "https",
            "frontends/f/headers/framedeny": "true",
            "frontends/f/headers/customrequestheaders/X-Mine": "yes",
            "frontends/f/whitelist/sourcerange": "10.0.0.0/8",
            "frontends/f/errors/down/status": "500-599",
            "frontends/f/errors/down/backend": "pages",
            "frontends/f/ratelimit/extractorfunc": "client.ip",
            "frontends/f/ratelimit/rateset/short/period": "6",
            "frontends/f/ratelimit/rateset/short/average": "6",
            "frontends/f/ratelimit/rateset/short/burst": "6",
        },
    ),
]
