"""Traefik 3's labels, which are its dynamic files as well; middlewares are in `rondpoint.middlewares`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from discovery.decoding import values
from discovery.dynamic import health_check as checks
from discovery.dynamic.balancing import SAME_SITE, slow_start_seconds
from discovery.labels.vocabulary.label import Label, Standing
from rondpoint.middlewares.readers import between, seconds, statuses, whole
from rondpoint.model import Strategy

ROUTER = "http.routers.NAME"
SERVICE = "http.services.NAME"
_BALANCER = f"{SERVICE}.loadBalancer"
_COOKIE = "[a cookie keeps clients](../balancing.md#sticky-sessions)"


def _observability() -> Iterator[Label]:
    for name, example, told, words in (
        ("accessLogs", "false", "whether its requests are logged", "true or false"),
        ("metrics", "false", "whether they are counted for `/metrics`", "true or false"),
        ("tracing", "false", "whether they are traced", "true or false"),
        ("traceVerbosity", "detailed", "how much of them is traced", "`minimal` or `detailed`"),
    ):
        yield Label(f"{ROUTER}.observability.{name}", example, told, values=words, standing=Standing.UNSERVED)


ROUTERS = (
    Label(
        f"{ROUTER}.rule",
        "Host(`shop.example`)",
        "which requests it takes: [rules](rules.md)",
        read=values.text,
        unless="`providers.docker.defaultRule`",
    ),
    Label(
        f"{ROUTER}.priority",
        "10",
        "higher first, then the lower name",
        read=values.integer,
        default=0,
        unless="the length of the rule",
    ),
    Label(f"{ROUTER}.entryPoints", "web", "where it listens", read=values.texts, unless="all default ones"),
    Label(
        f"{ROUTER}.middlewares",
        "strip,auth@file",
        "[what requests pass](middlewares.md), in this order",
        read=values.texts,
    ),
    Label(
        f"{ROUTER}.service",
        "NAME",
        "where it leads",
        read=values.text,
        unless="the container's only one",
    ),
    Label(
        f"{ROUTER}.tls",
        "true",
        "only requests of entry points that speak TLS, with the entry point's certificates",
        read=values.boolean,
        unless="`false`",
    ),
    Label(
        f"{ROUTER}.tls.options",
        "default",
        "by another name it leaves the router out",
        values="`default`",
        unless="`default`",
    ),
    Label(
        f"{ROUTER}.tls.certResolver",
        "le",
        "the entry point's certificates are used",
        values="text",
        standing=Standing.UNSERVED,
    ),
    Label(f"{ROUTER}.tls.domains[0].main", "a.test", "the same", values="text", standing=Standing.UNSERVED),
    Label(f"{ROUTER}.tls.domains[0].sans", "b.test", "the same", values="a list", standing=Standing.UNSERVED),
    Label(
        f"{ROUTER}.ruleSyntax",
        "v2",
        "`v2` is the language of Traefik 2, see [rules](rules.md)",
        values="`v3` or `v2`",
        unless="`v3`",
    ),
    Label(f"{ROUTER}.parentRefs", "x", "routers above it", values="a list", standing=Standing.LEFT_OUT),
    *_observability(),
)


def _sticky(above: str) -> Iterator[Label]:
    yield Label(
        f"{above}.sticky", "true", f"`true` is a cookie with all defaults: {_COOKIE}", values.boolean, False
    )
    yield Label(f"{above}.sticky.cookie", "true", "the same", values.boolean, False)
    for name, example, read, default, told, unless in (
        ("name", "shop", values.text, "", "its name", "made from the service's"),
        ("secure", "true", values.boolean, False, "for TLS only", ""),
        ("httpOnly", "true", values.boolean, False, "hidden from scripts", ""),
        ("sameSite", "lax", values.one_of(SAME_SITE), "", "whether other sites' pages send it", ""),
        ("maxAge", "3600", values.integer, 0, "seconds that it lives; 0 is as long as the browser", ""),
        ("path", "/shop", values.text, "/", "below which path it is sent", ""),
        ("domain", "example.com", values.text, "", "to which hosts it is sent", "the one asked for"),
    ):
        yield Label(f"{above}.sticky.cookie.{name}", example, told, read, default, unless=unless)


def health_check(above: str) -> Iterator[Label]:
    """The options of a `healthCheck`, which both dialects have."""
    for name, example, read, default, told, unless in (
        ("path", "/health", checks.path, "", "what is asked for", ""),
        ("method", "HEAD", checks.method, "GET", "how", ""),
        ("status", "204", between(100, 599), 0, "what alone is well", "200 to 399"),
        ("interval", "10s", checks.some_time, 30.0, "how often", ""),
        ("unhealthyInterval", "5s", checks.some_time, None, "how often of one that is down", "`interval`"),
        ("timeout", "3s", checks.some_time, 5.0, "for an answer", ""),
        ("hostname", "shop.example", checks.hostname, "", "the `Host` to ask with", "the server's"),
        ("port", "8081", values.port, 0, "where to ask", "the server's"),
        ("scheme", "http", values.scheme, "", "how to speak", "the server's"),
        ("followRedirects", "false", values.boolean, True, "whether a redirection is followed", ""),
        (
            "mode",
            "http",
            values.one_of(("http", "grpc")),
            "http",
            "`grpc` has no effect, and a warning says so",
            "",
        ),
    ):
        yield Label(f"{above}.healthCheck.{name}", example, told, read, default, unless=unless)


def balancing(below: str, strategy: str, slow_start: str) -> tuple[Label, ...]:
    """What both dialects say of a service's strategy, by their names for it."""
    return (
        Label(
            f"{below}.{strategy}",
            "drr",
            "[which server takes a request](../balancing.md)",
            values.one_of(get_args(Strategy)),
            "wrr",
        ),
        Label(
            f"{below}.{slow_start}",
            "30s",
            "Rondpoint's own: the time in which a server that joins "
            "[grows into its share](../balancing.md#slow-start)",
            slow_start_seconds,
            0.0,
        ),
    )


SERVERS = (
    Label(
        f"{_BALANCER}.server.port",
        "8080",
        "where the container is asked",
        values.port,
        unless="the lowest exposed one",
    ),
    Label(f"{_BALANCER}.server.scheme", "https", "how; `h2c` takes no requests yet", values.scheme, "http"),
    Label(f"{_BALANCER}.server.url", "http://10.0.0.7:80", "in place of both", values.address),
    Label(f"{_BALANCER}.server.weight", "3", "its share of requests; 0 is none", values.weight, 1),
    Label(
        f"{_BALANCER}.server.preservePath",
        "true",
        "keep a path of the URL",
        values="true or false",
        standing=Standing.UNSERVED,
    ),
)
"""In labels."""

SERVERS_OF_FILES = (
    Label(f"{_BALANCER}.servers[0].url", "http://10.0.0.7:80", "where a server is", values.address),
    Label(
        f"{_BALANCER}.servers[0].weight",
        "3",
        "its share of requests; 0 is none",
        values.weight,
        1,
        beside=(f"{_BALANCER}.servers[0].url",),
    ),
    Label(
        f"{_BALANCER}.servers[0].preservePath",
        "true",
        "keep a path of the URL",
        values="true or false",
        standing=Standing.UNSERVED,
        beside=(f"{_BALANCER}.servers[0].url",),
    ),
)
"""In files, keys and the API."""

SERVICES = (
    Label(
        f"{_BALANCER}.passHostHeader",
        "false",
        "whether the server gets the `Host` that the client asked for",
        values.boolean,
        True,
    ),
    *balancing(_BALANCER, "strategy", "slowStart"),
    *_sticky(_BALANCER),
    *health_check(_BALANCER),
    Label(
        f"{_BALANCER}.healthCheck.headers.NAME",
        "x",
        "headers to ask with",
        values="texts by name",
    ),
    *(
        Label(
            f"{_BALANCER}.passiveHealthCheck.{name}",
            example,
            "servers that cannot be reached are put aside in any case, by "
            "[rules of Rondpoint's own](redis.md#ejection)",
            values=words,
            standing=Standing.UNSERVED,
        )
        for name, example, words in (
            ("failureWindow", "10s", "a duration"),
            ("maxFailedAttempts", "3", "a whole number"),
        )
    ),
    Label(
        f"{_BALANCER}.serversTransport",
        "own@file",
        "stored; the settings below `serversTransport` hold for all services",
        values.text,
        "",
        standing=Standing.UNSERVED,
    ),
    Label(
        f"{_BALANCER}.responseForwarding.flushInterval",
        "10ms",
        "responses are passed on as they come",
        seconds,
        0.1,
        standing=Standing.STORED,
    ),
    Label(
        f"{SERVICE}.middlewares",
        "strip",
        "[what requests pass](middlewares.md) behind the router's own",
        values.texts,
        beside=(f"{_BALANCER}.passHostHeader",),
    ),
)


def _members(kind: str) -> Iterator[Label]:
    name = f"{SERVICE}.{kind}.services[0].name"
    yield Label(name, "blue", "a member", values.text, "")
    yield Label(
        f"{SERVICE}.{kind}.services[0].weight", "3", "its share of requests", values.weight, 1, beside=(name,)
    )
    yield _checked(kind, name)


def _checked(kind: str, *beside: str) -> Label:
    told = "a member that has no server is passed over with it or without"
    return Label(f"{SERVICE}.{kind}.healthCheck", "true", told, values="`{}`", beside=beside)


_WEIGHTED = tuple(_members("weighted"))
_FAILOVER = f"{SERVICE}.failover"
_PAIR = (f"{_FAILOVER}.service", f"{_FAILOVER}.fallback")
_MIRRORING = f"{SERVICE}.mirroring"
_ALL = tuple(_members("highestRandomWeight"))

COMPOSED = (
    *_WEIGHTED,
    *(
        Label(
            each.name,
            each.example,
            each.meaning,
            each.read,
            each.default,
            unless=each.unless,
            beside=(_WEIGHTED[0].name,),
        )
        for each in _sticky(f"{SERVICE}.weighted")
    ),
    *_ALL,
    Label(_PAIR[0], "blue", "who is asked", values.text, "", beside=_PAIR),
    Label(_PAIR[1], "green", "who is asked where that has no server", values.text, "", beside=_PAIR),
    _checked("failover", *_PAIR),
    Label(
        f"{_FAILOVER}.errors.status",
        "500-599",
        "answers that count as a failure",
        statuses,
        standing=Standing.UNSERVED,
        beside=_PAIR,
    ),
    Label(
        f"{_FAILOVER}.errors.maxRequestBodyBytes",
        "1024",
        "longer requests are not sent again",
        whole,
        -1,
        standing=Standing.UNSERVED,
        beside=_PAIR,
    ),
    Label(f"{_MIRRORING}.service", "blue", "who answers", values.text, "", standing=Standing.HELD),
    Label(
        f"{_MIRRORING}.mirrors[0].name", "green", "who gets a copy", values.text, "", standing=Standing.HELD
    ),
    Label(
        f"{_MIRRORING}.mirrors[0].percent", "10", "of how many", between(0, 100), 0, standing=Standing.HELD
    ),
    Label(f"{_MIRRORING}.mirrorBody", "false", "with the body", values.boolean, True, standing=Standing.HELD),
    Label(
        f"{_MIRRORING}.maxBodySize", "1024", "of so many bytes; -1 is any", whole, -1, standing=Standing.HELD
    ),
    Label(f"{_MIRRORING}.healthCheck", "true", "no effect", values="`{}`", standing=Standing.HELD),
)
"""Services made of services: in labels, too, though there it is seldom of use."""

OTHERS = (
    Label(
        "http.serversTransports.NAME.serverName",
        "a",
        "options of connections to servers",
        values="text",
        standing=Standing.UNSERVED,
    ),
    Label(
        "http.models.NAME.middlewares",
        "a",
        "what routers of an entry point have in common",
        values="a list",
        standing=Standing.UNSERVED,
    ),
)

LABELS = (*ROUTERS, *SERVERS, *SERVICES, *COMPOSED, *OTHERS)
OF_FILES = (*ROUTERS, *SERVERS_OF_FILES, *SERVICES, *COMPOSED, *OTHERS)
