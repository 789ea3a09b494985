"""What stands between a frontend of Traefik 1 and its servers: options of middlewares of Traefik 3."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding import values
from discovery.dynamic.v1.criterion import source_criterion
from discovery.labels.vocabulary.label import Label, Standing
from rondpoint.middlewares.options import Group, Option
from rondpoint.middlewares.schemas import SCHEMAS


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
