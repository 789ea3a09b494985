"""Examples of files, and of the same tree as JSON through the API."""

from __future__ import annotations

from rondpoint.model import HealthCheck, Server, Service, StickyCookie
from tests.system.examples_of_traefik_1.example import NOT_FOUND, Example, Served

BASICS, COMMONS, FILE = "basics", "configuration/commons", "configuration/backends/file"

_TWO = """
[backends.one.servers.a]
url = "http://10.0.0.1:80"
[backends.two.servers.b]
url = "http://10.0.0.2:80"
"""

A, B = Server("a", "10.0.0.1", 80), Server("b", "10.0.0.2", 80)


def frontend(options: str, backend: str = "one", rule: str = "Host:shop.test") -> str:
    """Return a file with one frontend `F` that has these options, and two backends."""
    head = f'[frontends.F]\nbackend = "{backend}"\n[frontends.F.routes.r]\nrule = "{rule}"\n'
    return f"{_TWO}{head}{options}"


def backend(options: str) -> str:
    """Return a file with a frontend, and a backend `one` that has these options."""
    return f"{frontend('')}{options}"


EXAMPLES = [
    Example(
        "several hosts, an expression, host and path",
        BASICS,
        [
            Served("one.test/x", "two"),
            Served("www.one.test", "two"),
            Served("sub.example.test", "one", ("passTLSClientCert",), entry_point="https"),
            Served("example.test", "one", ("passTLSClientCert",), entry_point="https"),
            Served("sub.example.test", status=NOT_FOUND),
            Served("both.test/exact", "two"),
            Served("both.test/exact/more", status=NOT_FOUND),
        ],
        file=_TWO
        + """
[frontends.hosts]
backend = "two"
[frontends.hosts.routes.r]
rule = "Host:one.test,www.one.test"
[frontends.pattern]
backend = "one"
passHostHeader = true
priority = 10
entrypoints = ["https"]
[frontends.pattern.passTLSClientCert]
pem = true
[frontends.pattern.routes.r]
rule = "HostRegexp:example.test,{sub:[a-z]+}.example.test"
[frontends.both]
backend = "two"
[frontends.both.routes.r]
rule = "Host:both.test;Path:/exact"
""",
    ),
    Example(
        "two routes of a frontend",
        BASICS,
        [
            Served("both.test/exact", "two"),
            Served("both.test/other", status=NOT_FOUND),
            Served("other.test/exact", status=NOT_FOUND),
        ],
        file=_TWO
        + """
[frontends.both]
backend = "two"
[frontends.both.routes.host]
rule = "Host:both.test"
[frontends.both.routes.path]
rule = "Path:/exact"
""",
    ),
    Example(
        "alternatives within a matcher",
        BASICS,
        [
            Served("a.test/x", "one"),
            Served("b.test/x", "one"),
            Served("c.test/first", "two"),
            Served("c.test/second", "two"),
            Served("c.test/third", status=NOT_FOUND),
        ],
        file=_TWO
        + """
[frontends.hosts]
backend = "one"
[frontends.hosts.routes.r]
rule = "Host:a.test,b.test"
[frontends.paths]
backend = "two"
[frontends.paths.routes.r]
rule = "Path:/first,/second"
""",
    ),
    Example(
        "the longest rule comes first",
        BASICS,
        [
            Served("a.test/one", "one"),
            Served("b.test/onetwo", "two", ("stripPrefix",)),
            Served("b.test/one", "third"),
        ],
        file=_TWO
        + """
[backends.third.servers.c]
url = "http://10.0.0.3:80"
[frontends.long]
backend = "one"
[frontends.long.routes.r]
rule = "PathPrefix:/one;Host:a.test"
[frontends.middle]
backend = "two"
[frontends.middle.routes.r]
rule = "PathPrefixStrip:/onetwo"
[frontends.short]
backend = "third"
[frontends.short.routes.r]
rule = "PathPrefix:/one,/x"
""",
    ),
    Example(
        "a priority of one's own",
        BASICS,
        [Served("a.test/to", "one"), Served("a.test/toto", "one")],
        file=_TWO
        + """
[frontends.first]
backend = "one"
priority = 20
passHostHeader = true
[frontends.first.routes.r]
rule = "PathPrefix:/to"
[frontends.second]
backend = "two"
passHostHeader = true
[frontends.second.routes.r]
rule = "PathPrefix:/toto"
""",
    ),
    Example(
        "headers to set and to remove",
        BASICS,
        [Served("a.test/cheese/brie", "one", ("headers", "stripPrefix"))],
        file=frontend(
            """
[frontends.F.headers.customresponseheaders]
X-Mine = "yes"
X-Theirs = ""
[frontends.F.headers.customrequestheaders]
X-Script-Name = "cheese"
X-Gone = ""
""",
            rule="PathPrefixStrip:/cheese",
        ),
    ),
    Example(
        "security headers",
        BASICS,
        [
            Served("a.test/frame", "one", ("headers", "stripPrefix")),
            Served("a.test/secure", "two", ("headers", "stripPrefix")),
        ],
        file=_TWO
        + """
[frontends.frame]
backend = "one"
[frontends.frame.headers]
FrameDeny = true
[frontends.frame.routes.r]
rule = "PathPrefixStrip:/frame"
[frontends.secure]
backend = "two"
[frontends.secure.headers]
SSLRedirect = true
[frontends.secure.routes.r]
rule = "PathPrefixStrip:/secure"
""",
    ),
    Example(
        "backends with weights, TLS and h2c",
        BASICS,
        [Served("shop.test", "one")],
        file=frontend("")
        + """
[backends.one.servers.a2]
url = "http://10.0.0.9:80"
weight = 10
[backends.tls.servers.a]
url = "https://10.0.0.4:443"
weight = 1
[backends.tls.servers.b]
url = "https://10.0.0.5:443"
weight = 2
[backends.grpc.servers.a]
url = "h2c://10.0.0.6:80"
weight = 1
""",
        services={
            "one": Service("one@P", (A, Server("a2", "10.0.0.9", 80, weight=10))),
            "tls": Service(
                "tls@P",
                (
                    Server("a", "10.0.0.4", 443, "https"),
                    Server("b", "10.0.0.5", 443, "https", 2),
                ),
            ),
        },
    ),
    Example(
        "a circuit breaker",
        BASICS,
        [Served("shop.test", "one", ("circuitBreaker",))],
        file=backend('[backends.one.circuitbreaker]\nexpression = "NetworkErrorRatio() > 0.5"'),
    ),
    *(
        Example(
            f"a circuit breaker by {name}",
            BASICS,
            [Served("shop.test", "one", ("circuitBreaker",))],
            file=backend(f'[backends.one.circuitbreaker]\nexpression = "{expression}"'),
        )
        for name, expression in (
            ("latency", "LatencyAtQuantileMS(50.0) > 50"),
            ("statuses", "ResponseCodeRatio(500, 600, 0, 600) > 0.5"),
        )
    ),
    *(
        Example(
            f"a limit of connections by {function}",
            BASICS,
            [Served("shop.test", "one", ("inFlightReq",))],
            file=backend(f'[backends.one.maxconn]\namount = 10\nextractorfunc = "{function}"'),
        )
        for function in ("request.host", "client.ip", "request.header.X-Tenant")
    ),
    Example(
        "sticky sessions",
        BASICS,
        [Served("shop.test", "one")],
        file=backend('[backends.one.loadbalancer.stickiness]\ncookieName = "seat"'),
        services={"one": Service("one@P", (A,), sticky=StickyCookie("seat"))},
    ),
    Example(
        "the older sticky sessions",
        BASICS,
        [Served("shop.test", "one")],
        file=backend("[backends.one.loadbalancer]\nsticky = true"),
        services={"one": Service("one@P", (A,), sticky=StickyCookie("_TRAEFIK_BACKEND"))},
    ),
    *(
        Example(
            f"a health check with {name}",
            BASICS,
            [Served("shop.test", "one")],
            file=backend(f'[backends.one.healthcheck]\npath = "/health"\ninterval = "10s"\n{options}'),
            services={"one": Service("one@P", (A,), health_check=check)},
        )
        for name, options, check in (
            ("a path", "", HealthCheck("/health", interval=10.0)),
            ("a port", "port = 8080", HealthCheck("/health", interval=10.0, port=8080)),
            ("a scheme", 'scheme = "http"', HealthCheck("/health", interval=10.0, scheme="http")),
            (
                "a host and headers",
                'hostname = "shop.test"\nport = 8080\n[backends.one.healthcheck.headers]\nX-Mine = "yes"',
                HealthCheck(
                    "/health", interval=10.0, hostname="shop.test", port=8080, headers={"X-Mine": "yes"}
                ),
            ),
        )
    ),
    *(
        Example(
            f"the balancing method {method}",
            BASICS,
            [Served("shop.test", "one")],
            file=backend(f'[backends.one.loadBalancer]\nmethod = "{method}"'),
            services={"one": Service("one@P", (A,), strategy=method)},
        )
        for method in ("wrr", "drr")
    ),
    Example(
        "error pages",
        COMMONS,
        [Served("shop.test", "one", ("errors",))],
        file=frontend(
            '[frontends.F.errors.network]\nstatus = ["500-599"]\nbackend = "two"\nquery = "/{status}.html"'
        ),
    ),
    Example(
        "two rates",
        COMMONS,
        [Served("shop.test", "one", ("rateLimit", "rateLimit"))],
        file=frontend(
            """
[frontends.F.ratelimit]
extractorfunc = "client.ip"
[frontends.F.ratelimit.rateset.long]
period = "10s"
average = 100
burst = 200
[frontends.F.ratelimit.rateset.short]
period = "3s"
average = 5
burst = 10
"""
        ),
    ),
    Example(
        "buffering",
        COMMONS,
        [Served("shop.test", "one", ("buffering",))],
        file=backend(
            """
[backends.one.buffering]
maxRequestBodyBytes = 10485760
memRequestBodyBytes = 2097152
maxResponseBodyBytes = 10485760
memResponseBodyBytes = 2097152
retryExpression = "IsNetworkError() && Attempts() <= 2"
"""
        ),
    ),
    *(
        Example(
            f"authentication by {name}",
            FILE,
            [Served("shop.test", "one", (kind,))],
            file=frontend(options),
        )
        for name, kind, options in (
            (
                "users",
                "basicAuth",
                '[frontends.F.auth]\nheaderField = "X-User"\n[frontends.F.auth.basic]\nremoveHeader = true\n'
                'users = ["test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"]',
            ),
            (
                "digest",
                "digestAuth",
                '[frontends.F.auth.digest]\nusers = ["test:traefik:a2688e031edb4be6a3797f3882655c05"]',
            ),
            (
                "another server",
                "forwardAuth",
                '[frontends.F.auth.forward]\naddress = "https://auth.test/verify"\n'
                'trustForwardHeader = true\nauthResponseHeaders = ["X-User"]\n'
                "[frontends.F.auth.forward.tls]\ninsecureSkipVerify = true",
            ),
        )
    ),
    Example(
        "a white list",
        FILE,
        [Served("shop.test", "one", ("ipAllowList",))],
        file=frontend(
            '[frontends.F.whiteList]\nsourceRange = ["10.42.0.0/16", "fd00::/8"]\nuseXForwardedFor = true'
        ),
    ),
    Example(
        "a redirection to an entry point",
        FILE,
        [Served("shop.test", "one", ("redirectEntryPoint",))],
        file=frontend('[frontends.F.redirect]\nentryPoint = "https"\npermanent = true'),
    ),
    Example(
        "a redirection by an expression",
        FILE,
        [Served("shop.test", "one", ("redirectRegex",))],
        file=frontend(
            '[frontends.F.redirect]\nregex = "^http://shop.test/(.*)"\nreplacement = "http://new.test/$1"'
        ),
    ),
    Example(
        "a redirection that has both",
        FILE,
        [Served("shop.test", "one", ("redirectEntryPoint",))],
        file=frontend(
            '[frontends.F.redirect]\nentryPoint = "https"\n'
            'regex = "^http://shop.test/(.*)"\nreplacement = "http://new.test/$1"'
        ),
        told=["regex has no effect together", "replacement has no effect together"],
    ),
    Example(
        "entry points of a frontend's own, and a rule without a route",
        "user-guide/examples",
        [
            Served("one.test", "two"),
            Served("one.test", "two", entry_point="https"),
            Served("sub.secure.test", "one", entry_point="https"),
            Served("sub.secure.test", status=NOT_FOUND),
            Served("any.test/test", "two", entry_point="https"),
        ],
        file=_TWO
        + """
[frontends.everywhere]
backend = "two"
[frontends.everywhere.routes.r]
rule = "Host:one.test"
[frontends.secure]
backend = "one"
passHostHeader = true
entrypoints = ["https"]
[frontends.secure.routes.r]
rule = "HostRegexp:{sub:[a-z]+}.secure.test"
[frontends.path]
entrypoints = ["http", "https"]
backend = "two"
rule = "Path:/test"
""",
    ),
    Example(
        "gRPC over TLS, and over h2c",
        "user-guide/grpc",
        [Served("tls.test", "tls"), Served("plain.test", "plain")],
        file="""
[backends.tls.servers.a]
url = "https://10.0.0.4:8080"
[backends.plain.servers.a]
url = "h2c://10.0.0.5:8080"
[frontends.tls]
backend = "tls"
[frontends.tls.routes.r]
rule = "Host:tls.test"
[frontends.plain]
backend = "plain"
[frontends.plain.routes.r]
rule = "Host:plain.test"
""",
    ),
    Example(
        "a tree through the API",
        "configuration/backends/rest",
        [Served("one.test", "two"), Served("any.test/test", "one", ("circuitBreaker",))],
        # JSON is YAML; names ignore case.
        file="""
{"frontends": {
  "second": {"routes": {"r": {"rule": "Path:/test"}}, "backend": "one"},
  "first": {"routes": {"r": {"rule": "Host:one.test"}}, "backend": "two"}},
 "backends": {
  "two": {"loadBalancer": {"method": "drr"}, "servers": {"b": {"weight": 2, "URL": "http://10.0.0.2:80"}}},
  "one": {"loadBalancer": {"method": "wrr"},
          "circuitBreaker": {"expression": "NetworkErrorRatio() > 0.5"},
          "servers": {"a": {"weight": 1, "url": "http://10.0.0.1:80"}}}}}
""",
        services={"two": Service("two@P", (Server("b", "10.0.0.2", 80, weight=2),), strategy="drr")},
    ),
]
