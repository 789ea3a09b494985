"""Every option of Traefik 1.7's documented labels for Docker, with its expected result.

Labels are written without `traefik.`. Middlewares are tuples of name suffix, kind and options, in order.
"""

from typing import Any

from msgspec import Struct

from rondpoint.model import HealthCheck, StickyCookie


class Row(Struct, frozen=True):
    """Labels with their expected results; `service` has the fields that differ from a default service."""

    labels: dict[str, str]
    middlewares: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    service: dict[str, Any] = {}


def auth(kind: str, labels: dict[str, str], options: dict[str, Any]) -> Row:
    return Row(
        {f"frontend.auth.{name}": value for name, value in labels.items()},
        ((f"{kind}Auth", f"{kind}Auth", options),),
    )


def header(label: str, value: str, option: str, read: Any) -> Row:
    return Row({f"frontend.headers.{label}": value}, (("headers", "headers", {option: read}),))


def certificate(label: str, options: dict[str, Any]) -> Row:
    return Row(
        {f"frontend.passTLSClientCert.{label}": "true"},
        (("passTLSClientCert", "passTLSClientCert", {**options, "traefik1Format": True}),),
    )


HASHES = ["a:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/", "b:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]
USERS = ",".join(HASHES)
NAMES = ("commonName", "country", "domainComponent", "locality", "organization", "province", "serialNumber")
SETS = {"frontend.rateLimit.rateSet.slow.period": "10s", "frontend.rateLimit.rateSet.slow.average": "5"}

FRONTEND_MIDDLEWARES = [
    auth("basic", {"basic": USERS}, {"users": HASHES}),
    auth("basic", {"basic.users": USERS}, {"users": HASHES}),
    auth("basic", {"basic.usersFile": "/f"}, {"usersFile": "/f"}),
    auth("basic", {"basic": USERS, "basic.removeHeader": "true"}, {"users": HASHES, "removeHeader": True}),
    auth(
        "basic", {"basic.users": USERS, "headerField": "X-User"}, {"users": HASHES, "headerField": "X-User"}
    ),
    auth("digest", {"digest.users": "a:r:h"}, {"users": ["a:r:h"]}),
    auth(
        "digest",
        {"digest.usersFile": "/f", "digest.removeHeader": "1", "headerField": "X-User"},
        {"usersFile": "/f", "removeHeader": True, "headerField": "X-User"},
    ),
    auth(
        "forward",
        {"forward.address": "https://a.test", "headerField": "X-User"},
        {"address": "https://a.test", "headerField": "X-User"},
    ),
    auth(
        "forward",
        {
            "forward.address": "https://a.test",
            "forward.authResponseHeaders": "X-Auth-User, X-Auth-Header",
            "forward.trustForwardHeader": "true",
            "forward.tls.ca": "/ca.pem",
            "forward.tls.caOptional": "true",
            "forward.tls.cert": "/cert.pem",
            "forward.tls.key": "/key.pem",
            "forward.tls.insecureSkipVerify": "true",
        },
        {
            "address": "https://a.test",
            "authResponseHeaders": ["X-Auth-User", "X-Auth-Header"],
            "trustForwardHeader": True,
            "tls": {
                "ca": "/ca.pem",
                "caOptional": True,
                "cert": "/cert.pem",
                "key": "/key.pem",
                "insecureSkipVerify": True,
            },
        },
    ),
    Row(
        {
            "frontend.errors.down.status": "500-599,404",
            "frontend.errors.down.backend": "error_pages",
            "frontend.errors.down.query": "/{status}.html",
            "frontend.errors.gone.status": "410",
            "frontend.errors.gone.backend": "gone",
        },
        (
            (
                "errors-down",
                "errors",
                {"status": ["500-599", "404"], "service": "error-pages", "query": "/{status}.html"},
            ),
            ("errors-gone", "errors", {"status": ["410"], "service": "gone"}),
        ),
    ),
    *(
        certificate(f"infos.{part}.{name}", {"info": {part: {name: True}}})
        for part in ("issuer", "subject")
        for name in NAMES
    ),
    *(certificate(f"infos.{name}", {"info": {name: True}}) for name in ("notAfter", "notBefore", "sans")),
    certificate("pem", {"pem": True}),
    Row(
        {"frontend.rateLimit.extractorFunc": "client.ip", **SETS},
        (
            (
                "rateLimit-slow",
                "rateLimit",
                {"period": 10.0, "average": 5, "sourceCriterion": {"ipStrategy": {}}},
            ),
        ),
    ),
    Row(
        {
            "frontend.rateLimit.extractorFunc": "request.header.X-Key",
            "frontend.rateLimit.rateSet.a.average": "1",
            "frontend.rateLimit.rateSet.b.burst": "6",
            "frontend.rateLimit.rateSet.b.period": "6",
        },
        (
            ("rateLimit-a", "rateLimit", {"average": 1, "sourceCriterion": {"requestHeaderName": "X-Key"}}),
            (
                "rateLimit-b",
                "rateLimit",
                {"burst": 6, "period": 6.0, "sourceCriterion": {"requestHeaderName": "X-Key"}},
            ),
        ),
    ),
    Row(
        {"frontend.redirect.entryPoint": "https", "frontend.redirect.permanent": "true"},
        (("redirect", "redirectEntryPoint", {"entryPoint": "https", "permanent": True}),),
    ),
    Row(
        {
            "frontend.redirect.regex": "^http://localhost/(.*)",
            "frontend.redirect.replacement": "http://mydomain/$1",
            "frontend.redirect.permanent": "true",
        },
        (
            (
                "redirect",
                "redirectRegex",
                {"regex": "^http://localhost/(.*)", "replacement": "http://mydomain/$1", "permanent": True},
            ),
        ),
    ),
    Row(
        {"frontend.whiteList.sourceRange": "10.0.0.0/8, ::1"},
        (("ipAllowList", "ipAllowList", {"sourceRange": ["10.0.0.0/8", "::1/128"]}),),
    ),
    Row(
        {"frontend.whiteList.sourceRange": "10.0.0.7", "frontend.whiteList.useXForwardedFor": "true"},
        (("ipAllowList", "ipAllowList", {"sourceRange": ["10.0.0.7/32"], "ipStrategy": {"depth": 1}}),),
    ),
    Row(
        {"frontend.whitelistSourceRange": "10.0.0.0/8"},
        (("ipAllowList", "ipAllowList", {"sourceRange": ["10.0.0.0/8"]}),),
    ),
    header("customRequestHeaders", "X-A:1||X-B: b:c", "customRequestHeaders", {"X-A": "1", "X-B": "b:c"}),
    header("customResponseHeaders", "X-A:", "customResponseHeaders", {"X-A": ""}),
    header("allowedHosts", "a.test,b.test", "allowedHosts", ["a.test", "b.test"]),
    header("browserXSSFilter", "true", "browserXssFilter", True),
    header("contentSecurityPolicy", "default-src 'self'", "contentSecurityPolicy", "default-src 'self'"),
    header("contentTypeNosniff", "true", "contentTypeNosniff", True),
    header("customBrowserXSSValue", "1", "customBrowserXSSValue", "1"),
    header("customFrameOptionsValue", "SAMEORIGIN", "customFrameOptionsValue", "SAMEORIGIN"),
    header("forceSTSHeader", "true", "forceSTSHeader", True),
    header("frameDeny", "true", "frameDeny", True),
    header("hostsProxyHeaders", "X-Forwarded-Host", "hostsProxyHeaders", ["X-Forwarded-Host"]),
    header("isDevelopment", "true", "isDevelopment", True),
    header("publicKey", "pin", "publicKey", "pin"),
    header("referrerPolicy", "same-origin", "referrerPolicy", "same-origin"),
    header("SSLRedirect", "true", "sslRedirect", True),
    header("SSLTemporaryRedirect", "true", "sslTemporaryRedirect", True),
    header("SSLHost", "a.test", "sslHost", "a.test"),
    header("SSLForceHost", "true", "sslForceHost", True),
    header("SSLProxyHeaders", "X-Forwarded-Proto:https", "sslProxyHeaders", {"X-Forwarded-Proto": "https"}),
    header("STSSeconds", "315360000", "stsSeconds", 315360000),
    header("STSIncludeSubdomains", "true", "stsIncludeSubdomains", True),
    header("STSPreload", "true", "stsPreload", True),
]
"""Options that become middlewares; their routers respond with 503 until the kind is served."""

BACKEND_MIDDLEWARES = [
    Row(
        {"backend.maxconn.amount": "10", "backend.maxconn.extractorfunc": "client.ip"},
        (("maxConn", "inFlightReq", {"amount": 10, "sourceCriterion": {"ipStrategy": {}}}),),
    ),
    Row(
        {"backend.circuitbreaker.expression": "NetworkErrorRatio() > 0.5"},
        (("circuitBreaker", "circuitBreaker", {"expression": "NetworkErrorRatio() > 0.5"}),),
    ),
    Row(
        {"backend.maxconn.amount": "10"},
        (("maxConn", "inFlightReq", {"amount": 10, "sourceCriterion": {"requestHost": True}}),),
    ),
    Row(
        {
            "backend.buffering.maxRequestBodyBytes": "4",
            "backend.buffering.memRequestBodyBytes": "3",
            "backend.buffering.maxResponseBodyBytes": "2",
            "backend.buffering.memResponseBodyBytes": "1",
            "backend.buffering.retryExpression": "IsNetworkError() && Attempts() <= 2",
        },
        (
            (
                "buffering",
                "buffering",
                {
                    "maxRequestBodyBytes": 4,
                    "memRequestBodyBytes": 3,
                    "maxResponseBodyBytes": 2,
                    "memResponseBodyBytes": 1,
                    "retryExpression": "IsNetworkError() && Attempts() <= 2",
                },
            ),
        ),
    ),
]
"""Options of a backend that become middlewares of served kinds."""

BACKEND_OPTIONS = [
    Row({"backend.loadbalancer.method": "wrr"}),
    Row({"backend.loadbalancer.method": "drr"}, service={"strategy": "drr"}),
    Row({"backend.loadbalancer.method": "p2c"}, service={"strategy": "p2c"}),
    Row({"backend.loadbalancer.slowstart": "30s"}, service={"slow_start": 30.0}),
    Row({"backend.loadbalancer.swarm": "true"}),
    Row({"backend.responseForwarding.flushInterval": "10ms"}, service={"flush_interval": 0.01}),
    Row({"backend.loadbalancer.stickiness": "true"}, service={"sticky": StickyCookie()}),
    Row({"backend.loadbalancer.stickiness": "false"}),
    Row(
        {
            "backend.loadbalancer.stickiness": "true",
            "backend.loadbalancer.stickiness.cookieName": "NAME",
            "backend.loadbalancer.stickiness.secure": "true",
            "backend.loadbalancer.stickiness.httpOnly": "true",
            "backend.loadbalancer.stickiness.sameSite": "none",
        },
        service={"sticky": StickyCookie("NAME", secure=True, http_only=True, same_site="none")},
    ),
    Row({"backend.loadbalancer.sticky": "true"}, service={"sticky": StickyCookie("_TRAEFIK_BACKEND")}),
    Row(
        {
            "backend.healthcheck.path": "/health",
            "backend.healthcheck.interval": "1s",
            "backend.healthcheck.port": "8080",
            "backend.healthcheck.scheme": "http",
            "backend.healthcheck.hostname": "foobar.com",
            "backend.healthcheck.headers": "X-A:1||X-B:2",
        },
        service={
            "health_check": HealthCheck(
                "/health",
                scheme="http",
                hostname="foobar.com",
                port=8080,
                interval=1.0,
                headers={"X-A": "1", "X-B": "2"},
            )
        },
    ),
]
"""Options of a backend whose absence does not affect the route."""
