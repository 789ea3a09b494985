"""Traefik 1's labels; below `frontend` and `backend`, what its files and keys have there as well."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding import values
from discovery.dynamic.balancing import SAME_SITE
from discovery.dynamic.health_check import headers
from discovery.dynamic.v1.criterion import source_criterion
from discovery.labels.vocabulary.label import Label, Standing
from discovery.labels.vocabulary.v3 import balancing, health_check
from rondpoint.middlewares.options import Group, Option
from rondpoint.middlewares.readers import seconds
from rondpoint.middlewares.schemas import SCHEMAS

ROUTES = (
    Label("port", "8080", "where the container is asked", values.port, unless="the lowest exposed one"),
    Label("protocol", "https", "how; `h2c` takes no requests yet", values.scheme, "http"),
    Label("weight", "3", "its share of requests; 0 is none", values.weight, 1),
    Label(
        "backend",
        "shop",
        "containers of one backend are servers of one service",
        values.text,
        unless="`SERVICE_PROJECT` in compose, else the container's name",
    ),
    Label(
        "domain",
        "example.com",
        "what default rules end in",
        values.text,
        unless="`providers.docker.domain`",
    ),
    Label(
        "frontend.rule",
        "Host:shop.example",
        "which requests it takes: [rules](rules.md)",
        values.text,
        unless="`Host:SERVICE.PROJECT.DOMAIN` in compose, else `Host:NAME.DOMAIN`",
    ),
    Label(
        "frontend.priority",
        "10",
        "higher first, then by the router's name",
        values.integer,
        0,
        unless="the length of the rule",
    ),
    Label(
        "frontend.entryPoints",
        "http",
        "where it listens; `http` is `web` where that is the only one",
        values.texts,
        (),
        unless="all default ones",
    ),
    Label(
        "frontend.passHostHeader",
        "false",
        "whether the server gets the `Host` that the client asked for",
        values.boolean,
        True,
    ),
)


def option_at(path: str) -> Option:
    """The option of a middleware of Traefik 3, in its spelling; KeyError where there is none."""
    part: Group | Option = Group(SCHEMAS)
    for name in path.split("."):
        if not isinstance(part, Group):
            raise KeyError(path)
        part = part.options[name]
    if isinstance(part, Group):
        raise KeyError(path)
    return part


def spelled(path: str) -> str:
    """The path with every name in Traefik 3's spelling."""
    part: Group | Option = Group(SCHEMAS)
    names = []
    for name in path.split("."):
        options = part.options if isinstance(part, Group) else {}
        names.append({each.lower(): each for each in options}[name.lower()])
        part = options[names[-1]]
    return ".".join(names)


def _some(above: str, kind: str, examples: dict[str, str], *beside: str) -> Iterator[Label]:
    """Labels that Traefik 3 has below `kind` by the same names, whatever their case."""
    for name, example in examples.items():
        yield Label(f"{above}.{name}", example, beside=beside, becomes=spelled(f"{kind}.{name}"))


_ERRORS = "frontend.errors.NAME"
_WHITE_LIST = "frontend.whiteList"
_REDIRECT = "frontend.redirect"
_HEADERS = "frontend.headers"
_CERTIFICATE = "frontend.passTLSClientCert"
_AUTH = "frontend.auth"
_RATE = "frontend.rateLimit"
_NAMES = ("country", "province", "locality", "organization", "commonName", "serialNumber", "domainComponent")
_BY_NAME = ("customRequestHeaders", "customResponseHeaders", "SSLProxyHeaders")
_SWITCHES = (
    *("SSLRedirect", "SSLTemporaryRedirect", "SSLForceHost", "STSIncludeSubdomains", "STSPreload"),
    *("forceSTSHeader", "frameDeny", "isDevelopment", "contentTypeNosniff", "browserXSSFilter"),
)
_TEXTS = (
    *("customFrameOptionsValue", "customBrowserXSSValue", "contentSecurityPolicy", "publicKey"),
    *("referrerPolicy", "SSLHost", "allowedHosts", "hostsProxyHeaders"),
)
_ON = "true"

GUARDS = (
    Label(f"{_ERRORS}.status", "500-599", beside=(f"{_ERRORS}.backend",), becomes="errors.status"),
    Label(f"{_ERRORS}.backend", "pages", beside=(f"{_ERRORS}.status",), becomes="errors.service"),
    Label(
        f"{_ERRORS}.query",
        "/{status}.html",
        beside=(f"{_ERRORS}.status", f"{_ERRORS}.backend"),
        becomes="errors.query",
    ),
    Label(f"{_WHITE_LIST}.sourceRange", "10.0.0.0/8", becomes="ipAllowList.sourceRange"),
    Label(
        f"{_WHITE_LIST}.useXForwardedFor",
        _ON,
        "look at the address that the last proxy in front tells, not at any that the client wrote",
        values.boolean,
        False,
        beside=(f"{_WHITE_LIST}.sourceRange",),
        becomes="ipAllowList.ipStrategy.depth",
    ),
    Label("frontend.whitelistSourceRange", "10.0.0.0/8", becomes="ipAllowList.sourceRange"),
    Label(
        f"{_REDIRECT}.entryPoint",
        "https",
        becomes="redirectEntryPoint.entryPoint",
    ),
    Label(
        f"{_REDIRECT}.permanent",
        _ON,
        beside=(f"{_REDIRECT}.regex", f"{_REDIRECT}.replacement"),
        becomes="redirectRegex.permanent",
    ),
    Label(
        f"{_REDIRECT}.regex",
        "^http://(.*)",
        beside=(f"{_REDIRECT}.replacement",),
        becomes="redirectRegex.regex",
    ),
    Label(
        f"{_REDIRECT}.replacement",
        "https://$1",
        beside=(f"{_REDIRECT}.regex",),
        becomes="redirectRegex.replacement",
    ),
    *(
        Label(
            f"{_HEADERS}.{name}",
            "X-A:1||X-B:2",
            values=r"`NAME:VALUE\|\|NAME:VALUE`",
            becomes=spelled(f"headers.{name}"),
        )
        for name in _BY_NAME
    ),
    *_some(_HEADERS, "headers", dict.fromkeys(_SWITCHES, _ON)),
    *_some(_HEADERS, "headers", {"STSSeconds": "3600", **dict.fromkeys(_TEXTS, "a")}),
    *_some(_CERTIFICATE, "passTLSClientCert", {"pem": _ON}),
    *_some(
        f"{_CERTIFICATE}.infos",
        "passTLSClientCert.info",
        {
            **dict.fromkeys(("notAfter", "notBefore", "sans"), _ON),
            **{f"{part}.{name}": _ON for part in ("subject", "issuer") for name in _NAMES},
        },
    ),
    Label(f"{_AUTH}.basic", "eve:$apr1$x", becomes="basicAuth.users"),
    *_some(f"{_AUTH}.basic", "basicAuth", {"users": "eve:$apr1$x", "usersFile": "/users"}),
    *_some(f"{_AUTH}.basic", "basicAuth", {"removeHeader": _ON}, f"{_AUTH}.basic.users"),
    *_some(f"{_AUTH}.digest", "digestAuth", {"users": "eve:realm:hash", "usersFile": "/users"}),
    *_some(f"{_AUTH}.digest", "digestAuth", {"removeHeader": _ON}, f"{_AUTH}.digest.users"),
    *_some(f"{_AUTH}.forward", "forwardAuth", {"address": "http://auth.test"}),
    *_some(
        f"{_AUTH}.forward",
        "forwardAuth",
        {
            "trustForwardHeader": _ON,
            "authResponseHeaders": "X-User",
            "tls.ca": "/ca.pem",
            "tls.caOptional": _ON,
            "tls.cert": "/cert.pem",
            "tls.key": "/key.pem",
            "tls.insecureSkipVerify": _ON,
        },
        f"{_AUTH}.forward.address",
    ),
    Label(
        f"{_AUTH}.headerField",
        "X-User",
        "header in which the server is told the user; with `digest` and `forward`, too",
        beside=(f"{_AUTH}.basic.users",),
        becomes="basicAuth.headerField",
    ),
    *(
        Label(
            f"{_RATE}.rateSet.NAME.{name}",
            example,
            beside=(f"{_RATE}.extractorFunc", f"{_RATE}.rateSet.NAME.average"),
            becomes=f"rateLimit.{name}",
        )
        for name, example in (("period", "10s"), ("average", "5"), ("burst", "10"))
    ),
    Label(
        f"{_RATE}.extractorFunc",
        "client.ip",
        "what requests are counted by",
        source_criterion,
        beside=(f"{_RATE}.rateSet.NAME.average",),
        becomes="rateLimit.sourceCriterion.ipStrategy",
    ),
    Label(
        "frontend.passTLSCert",
        _ON,
        "servers get no certificate",
        values.boolean,
        False,
        standing=Standing.UNSERVED,
    ),
)
"""What stands between a router and its servers; in the order of the page, which is that of requests."""

_BALANCER = "backend.loadBalancer"
_STICKINESS = f"{_BALANCER}.stickiness"
_CHECK = "backend.healthCheck"

SERVICES = (
    *balancing(_BALANCER, "method", "slowStart"),
    Label(
        _STICKINESS,
        _ON,
        "[a cookie keeps clients](../balancing.md#sticky-sessions); its value is opaque, and not the URL "
        "of the server as in Traefik 1",
        values.boolean,
        False,
    ),
    *(
        Label(f"{_STICKINESS}.{name}", example, told, read, default, beside=(_STICKINESS,), unless=unless)
        for name, example, read, default, told, unless in (
            ("cookieName", "shop", values.text, "", "its name", "made from the service's"),
            ("secure", _ON, values.boolean, False, "for TLS only", ""),
            ("httpOnly", _ON, values.boolean, False, "hidden from scripts", ""),
            ("sameSite", "lax", values.one_of(SAME_SITE), "", "whether other sites' pages send it", ""),
        )
    ),
    Label(f"{_BALANCER}.sticky", _ON, "the same, with the cookie `_TRAEFIK_BACKEND`", values.boolean, False),
    Label(
        f"{_BALANCER}.swarm",
        _ON,
        "leave balancing to Docker's swarm",
        values="true or false",
        standing=Standing.UNSERVED,
    ),
    *(
        Label(
            each.name,
            each.example,
            each.meaning,
            each.read,
            each.default,
            unless=each.unless,
            beside=() if each.name == f"{_CHECK}.path" else (f"{_CHECK}.path",),
        )
        for each in health_check("backend")
    ),
    Label(
        f"{_CHECK}.headers",
        "X-A:1||X-B:2",
        "headers to ask with",
        headers,
        {},
        values=r"`NAME:VALUE\|\|NAME:VALUE`",
        beside=(f"{_CHECK}.path",),
    ),
    Label(
        "backend.responseForwarding.flushInterval",
        "10ms",
        "responses are passed on as they come",
        seconds,
        0.1,
        standing=Standing.STORED,
    ),
)

_BUFFERING = ("maxRequestBodyBytes", "memRequestBodyBytes", "maxResponseBodyBytes", "memResponseBodyBytes")
_CONNECTIONS = "backend.maxConn"

LIMITS = (
    *_some("backend.circuitBreaker", "circuitBreaker", {"expression": "NetworkErrorRatio() > 0.5"}),
    *_some(
        "backend.buffering",
        "buffering",
        {**dict.fromkeys(_BUFFERING, "1024"), "retryExpression": "IsNetworkError()"},
    ),
    *_some(_CONNECTIONS, "inFlightReq", {"amount": "10"}),
    Label(
        f"{_CONNECTIONS}.extractorFunc",
        "client.ip",
        "what they are counted by; `request.host` unless given",
        source_criterion,
        beside=(f"{_CONNECTIONS}.amount",),
        becomes="inFlightReq.sourceCriterion.ipStrategy",
    ),
)
"""What stands before all servers of a backend, as a middleware of each router that leads there."""

LABELS = (*ROUTES, *GUARDS, *SERVICES, *LIMITS)

_URL = "backends.NAME.servers.NAME.url"

OF_FILES = (
    Label(_URL, "http://10.0.0.7:80", "where a server is", values.address),
    Label(
        "backends.NAME.servers.NAME.weight",
        "3",
        "its share of requests; 0 is none",
        values.weight,
        1,
        beside=(_URL,),
    ),
    Label("backends.NAME.servers.NAME.tags", "a", "no effect", values="a list", beside=(_URL,)),
    Label("frontends.NAME.backend", "NAME", "where it leads", values.text, unless="to be given"),
    Label(
        "frontends.NAME.routes.NAME.rule",
        "Host:shop.example",
        "which requests it takes: those for which all its rules hold",
        values.text,
        unless="to be given",
    ),
    Label("frontends.NAME.rule", "Host:shop.example", "one more of them", values.text),
    Label("frontends.NAME.basicAuth", "eve:$apr1$x", becomes="basicAuth.users"),
)
"""What files and keys have beside the options that labels have below `frontend` and `backend`."""
