"""Traefik 1's references of its file and of its keys, option by option, with the expected results.

The same options, in a file and as keys, come to the same routers, services and middlewares.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.dynamic import decode
from discovery.providers.key_value.tree import unfold
from rondpoint.diagnostics import Severity
from rondpoint.model import HealthCheck, Middleware, Server, StickyCookie

FILE = """
[backends.shop.servers.left]
url = "http://10.0.0.1:80"
weight = 1
[backends.shop.servers.right]
url = "http://10.0.0.2:80"
weight = 2
[backends.shop.circuitBreaker]
expression = "NetworkErrorRatio() > 0.5"
[backends.shop.responseForwarding]
flushInterval = "10ms"
[backends.shop.loadBalancer]
method = "drr"
[backends.shop.loadBalancer.stickiness]
cookieName = "seat"
secure = true
httpOnly = true
sameSite = "lax"
[backends.shop.maxConn]
amount = 10
extractorfunc = "request.host"
[backends.shop.buffering]
maxRequestBodyBytes = 4
memRequestBodyBytes = 3
maxResponseBodyBytes = 2
memResponseBodyBytes = 1
retryExpression = "IsNetworkError() && Attempts() <= 2"
[backends.shop.healthCheck]
path = "/well"
port = 88
interval = "15s"
scheme = "http"
hostname = "shop.example"
[backends.shop.healthCheck.headers]
X-One = "1"
X-Two = "2"
[backends.old.loadBalancer]
sticky = true
[backends.old.servers.only]
url = "h2c://10.0.0.3:80"

[frontends.front]
entryPoints = ["http", "https"]
backend = "shop"
passHostHeader = false
priority = 42
[frontends.front.routes.where]
rule = "Host:shop.example"
[frontends.front.routes.how]
rule = "Method:GET"
[frontends.front.passTLSClientCert]
pem = true
[frontends.front.passTLSClientCert.infos]
notBefore = true
notAfter = true
sans = true
[frontends.front.passTLSClientCert.infos.subject]
country = true
commonName = true
[frontends.front.passTLSClientCert.infos.issuer]
organization = true
serialNumber = true
[frontends.front.auth]
headerField = "X-User"
[frontends.front.auth.basic]
removeHeader = true
users = ["a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", "b:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]
usersFile = "/users"
[frontends.front.whiteList]
sourceRange = ["10.42.0.0/16", "fd00::/8"]
useXForwardedFor = true
[frontends.front.headers]
allowedHosts = ["shop.example", "www.shop.example"]
SSLRedirect = true
STSSeconds = 42
frameDeny = true
isDevelopment = false
[frontends.front.headers.customRequestHeaders]
X-Script-Name = "shop"
X-Gone = ""
[frontends.front.headers.customResponseHeaders]
X-Answered = "yes"
[frontends.front.errors.down]
status = ["500-599"]
backend = "old"
query = "/{status}.html"
[frontends.front.errors.denied]
status = ["404", "403"]
backend = "old"
[frontends.front.ratelimit]
extractorfunc = "client.ip"
[frontends.front.ratelimit.rateset.long]
period = "10s"
average = 100
burst = 200
[frontends.front.ratelimit.rateset.short]
period = "3s"
average = 5
burst = 10
[frontends.front.redirect]
regex = "^http://shop/(.*)"
replacement = "http://shop.example/$1"
permanent = true

[frontends.digest]
backend = "old"
rule = "Path:/digest"
[frontends.digest.auth.digest]
removeHeader = true
users = ["a:realm:hash"]
usersFile = "/digests"
[frontends.digest.redirect]
entryPoint = "https"

[frontends.forward]
backend = "old"
[frontends.forward.routes.only]
rule = "Path:/forward"
[frontends.forward.auth.forward]
address = "https://auth.example/"
trustForwardHeader = true
authResponseHeaders = ["X-Who"]
[frontends.forward.auth.forward.tls]
ca = "/ca"
caOptional = true
cert = "/cert"
key = "/key"
insecureSkipVerify = true

[frontends.older]
backend = "old"
basicAuth = ["a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]
whitelistSourceRange = ["10.0.0.0/8"]
[frontends.older.routes.only]
rule = "Path:/older"
"""

OPTIONS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "front": [
        ("errors-down", "errors", {"status": ["500-599"], "service": "old@P", "query": "/{status}.html"}),
        ("errors-denied", "errors", {"status": ["404", "403"], "service": "old@P"}),
        (
            "ipAllowList",
            "ipAllowList",
            {"sourceRange": ["10.42.0.0/16", "fd00::/8"], "ipStrategy": {"depth": 1}},
        ),
        (
            "redirect",
            "redirectRegex",
            {"permanent": True, "regex": "^http://shop/(.*)", "replacement": "http://shop.example/$1"},
        ),
        (
            "headers",
            "headers",
            {
                "customRequestHeaders": {"X-Script-Name": "shop", "X-Gone": ""},
                "customResponseHeaders": {"X-Answered": "yes"},
                "allowedHosts": ["shop.example", "www.shop.example"],
                "sslRedirect": True,
                "stsSeconds": 42,
                "frameDeny": True,
            },
        ),
        (
            "passTLSClientCert",
            "passTLSClientCert",
            {
                "pem": True,
                "info": {
                    "notAfter": True,
                    "notBefore": True,
                    "sans": True,
                    "subject": {"country": True, "commonName": True},
                    "issuer": {"organization": True, "serialNumber": True},
                },
                "traefik1Format": True,
            },
        ),
        (
            "basicAuth",
            "basicAuth",
            {
                "users": ["a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", "b:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="],
                "usersFile": "/users",
                "removeHeader": True,
                "headerField": "X-User",
            },
        ),
        (
            "rateLimit-long",
            "rateLimit",
            {"period": 10.0, "average": 100, "burst": 200, "sourceCriterion": {"ipStrategy": {}}},
        ),
        (
            "rateLimit-short",
            "rateLimit",
            {"period": 3.0, "average": 5, "burst": 10, "sourceCriterion": {"ipStrategy": {}}},
        ),
    ],
    "digest": [
        ("redirect", "redirectEntryPoint", {"entryPoint": "https"}),
        (
            "digestAuth",
            "digestAuth",
            {"users": ["a:realm:hash"], "usersFile": "/digests", "removeHeader": True},
        ),
    ],
    "forward": [
        (
            "forwardAuth",
            "forwardAuth",
            {
                "address": "https://auth.example/",
                "trustForwardHeader": True,
                "authResponseHeaders": ["X-Who"],
                "tls": {
                    "ca": "/ca",
                    "caOptional": True,
                    "cert": "/cert",
                    "key": "/key",
                    "insecureSkipVerify": True,
                },
            },
        )
    ],
    "older": [
        ("ipAllowList", "ipAllowList", {"sourceRange": ["10.0.0.0/8"]}),
        ("users", "basicAuth", {"users": ["a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]}),
    ],
}


def keys(tree: object, path: str, *, numbered: bool) -> Iterator[tuple[str, bytes]]:
    """Return a tree as keys: names in lower case except headers, lists with indexes or commas."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            own = name if name.startswith("X-") else name.lower()
            yield from keys(value, f"{path}/{own}", numbered=numbered)
    elif isinstance(tree, list) and numbered:
        for number, item in enumerate(tree):
            yield f"{path}/{number}", item.encode()
    elif isinstance(tree, list):
        yield path, ",".join(tree).encode()
    else:
        yield path, (str(tree).lower() if isinstance(tree, bool) else str(tree)).encode()


def as_written(way: str) -> Decoded:
    tree = tomllib.loads(FILE)
    if way == "file":
        return decode(tree, "P", "routes.toml")
    report = Report("P", "keys")
    found = unfold(dict(keys(tree, "traefik", numbered=way == "numbered keys")), "traefik", report)
    assert report.diagnostics == ()
    return decode(found, "P", "keys")


@pytest.fixture(params=["file", "keys", "numbered keys"])
def decoded(request: pytest.FixtureRequest) -> Decoded:
    return as_written(request.param)


def test_backends_are_services(decoded: Decoded) -> None:
    services = {service.name: service for service in decoded.services}
    shop, old = services["shop@P"], services["old@P"]
    assert shop.servers == (
        Server("left", "10.0.0.1", 80),
        Server("right", "10.0.0.2", 80, weight=2),
    )
    assert shop.sticky == StickyCookie("seat", secure=True, http_only=True, same_site="lax")
    assert shop.flush_interval == 0.01
    assert shop.health_check == HealthCheck(
        "/well",
        scheme="http",
        hostname="shop.example",
        port=88,
        interval=15.0,
        headers={"X-One": "1", "X-Two": "2"},
    )
    assert old.sticky == StickyCookie("_TRAEFIK_BACKEND")
    assert old.servers == (Server("only", "10.0.0.3", 80, "h2c"),)


def test_frontends_are_routers(decoded: Decoded) -> None:
    routers = {router.name.removesuffix("@P"): router for router in decoded.routers}
    front = routers["front"]
    # Keys have another order than a file.
    assert set(front.rule.text.split(";")) == {"Host:shop.example", "Method:GET"}
    assert (front.service, front.priority, front.pass_host_header) == ("shop@P", 42, False)
    assert front.entry_points == ("http", "https")
    assert routers["digest"].rule.text == "Path:/digest"
    assert routers["digest"].priority == len("Path:/digest")
    assert routers.keys() == OPTIONS.keys()


@pytest.mark.parametrize("frontend", OPTIONS)
def test_options_of_frontends_and_backends_are_middlewares(frontend: str, decoded: Decoded) -> None:
    made = {middleware.name: middleware for middleware in decoded.middlewares}
    (router,) = (router for router in decoded.routers if router.name == f"{frontend}@P")
    found = [made[name] for name in router.middlewares]
    wanted = [
        Middleware(f"{frontend}-{suffix}@P", kind, options) for suffix, kind, options in OPTIONS[frontend]
    ]
    by_name = {middleware.name: middleware for middleware in found}
    for middleware in wanted:
        assert by_name.pop(middleware.name) == middleware
    # The middlewares of the backend follow, once their kinds are served.
    assert all(name.startswith(f"{frontend}-") for name in by_name)
    kinds = [middleware.kind for middleware in found]
    assert kinds[: len(wanted)] == [middleware.kind for middleware in wanted]


def test_no_option_of_the_reference_is_unknown_or_invalid(decoded: Decoded) -> None:
    told = [item.message for item in decoded.diagnostics if "not served yet" not in item.message]
    assert told == []
    assert all(item.severity in (Severity.WARNING, Severity.ERROR) for item in decoded.diagnostics)


def test_servers_may_have_tags_for_constraints_of_keys() -> None:
    tree = {"backends": {"b": {"servers": {"s": {"url": "http://10.0.0.1", "tags": "a,b"}}}}}
    assert decode(tree, "P", "keys").diagnostics == ()
