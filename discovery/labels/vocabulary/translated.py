"""Labels of Traefik 1 frontends and backends that become middlewares of Traefik 3."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding import values
from discovery.dynamic.v1.criterion import source_criterion
from discovery.labels.vocabulary.label import Label, Support
from rondpoint.middlewares.options import Group, Option
from rondpoint.middlewares.schemas import SCHEMAS


def find_option(path: str) -> Option:
    """Return the option of a Traefik 3 middleware at a path in its spelling. Raises KeyError."""
    part: Group | Option = Group(SCHEMAS)
    for name in path.split("."):
        if not isinstance(part, Group):
            raise KeyError(path)
        part = part.options[name]
    if isinstance(part, Group):
        raise KeyError(path)
    return part


def canonical_path(path: str) -> str:
    """Return the path with all names in Traefik 3's spelling."""
    part: Group | Option = Group(SCHEMAS)
    names = []
    for name in path.split("."):
        options = part.options if isinstance(part, Group) else {}
        names.append({each.lower(): each for each in options}[name.lower()])
        part = options[names[-1]]
    return ".".join(names)


def _same_names(above: str, kind: str, examples: dict[str, str], *requires: str) -> Iterator[Label]:
    """Yield labels whose names equal those of Traefik 3's options below `kind`, apart from case."""
    for name, example in examples.items():
        yield Label(
            f"{above}.{name}", example, requires=requires, translates_to=canonical_path(f"{kind}.{name}")
        )


_ERRORS = "frontend.errors.NAME"
_WHITE_LIST = "frontend.whiteList"
_REDIRECT = "frontend.redirect"
_HEADERS = "frontend.headers"
_CERTIFICATE = "frontend.passTLSClientCert"
_AUTH = "frontend.auth"
_USER = "eve:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
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

FRONTEND_MIDDLEWARES = (
    Label(f"{_ERRORS}.status", "500-599", requires=(f"{_ERRORS}.backend",), translates_to="errors.status"),
    Label(f"{_ERRORS}.backend", "pages", requires=(f"{_ERRORS}.status",), translates_to="errors.service"),
    Label(
        f"{_ERRORS}.query",
        "/{status}.html",
        requires=(f"{_ERRORS}.status", f"{_ERRORS}.backend"),
        translates_to="errors.query",
    ),
    Label(f"{_WHITE_LIST}.sourceRange", "10.0.0.0/8", translates_to="ipAllowList.sourceRange"),
    Label(
        f"{_WHITE_LIST}.useXForwardedFor",
        _ON,
        "use the address that the last proxy in front reports, not one that the client could forge",
        values.boolean,
        False,
        requires=(f"{_WHITE_LIST}.sourceRange",),
        translates_to="ipAllowList.ipStrategy.depth",
    ),
    Label("frontend.whitelistSourceRange", "10.0.0.0/8", translates_to="ipAllowList.sourceRange"),
    Label(
        f"{_REDIRECT}.entryPoint",
        "https",
        translates_to="redirectEntryPoint.entryPoint",
    ),
    Label(
        f"{_REDIRECT}.permanent",
        _ON,
        requires=(f"{_REDIRECT}.regex", f"{_REDIRECT}.replacement"),
        translates_to="redirectRegex.permanent",
    ),
    Label(
        f"{_REDIRECT}.regex",
        "^http://(.*)",
        requires=(f"{_REDIRECT}.replacement",),
        translates_to="redirectRegex.regex",
    ),
    Label(
        f"{_REDIRECT}.replacement",
        "https://$1",
        requires=(f"{_REDIRECT}.regex",),
        translates_to="redirectRegex.replacement",
    ),
    *(
        Label(
            f"{_HEADERS}.{name}",
            "X-A:1||X-B:2",
            values=r"`NAME:VALUE\|\|NAME:VALUE`",
            translates_to=canonical_path(f"headers.{name}"),
        )
        for name in _BY_NAME
    ),
    *_same_names(_HEADERS, "headers", dict.fromkeys(_SWITCHES, _ON)),
    *_same_names(_HEADERS, "headers", {"STSSeconds": "3600", **dict.fromkeys(_TEXTS, "a")}),
    *_same_names(_CERTIFICATE, "passTLSClientCert", {"pem": _ON}),
    *_same_names(
        f"{_CERTIFICATE}.infos",
        "passTLSClientCert.info",
        {
            **dict.fromkeys(("notAfter", "notBefore", "sans"), _ON),
            **{f"{part}.{name}": _ON for part in ("subject", "issuer") for name in _NAMES},
        },
    ),
    Label(f"{_AUTH}.basic", _USER, translates_to="basicAuth.users"),
    *_same_names(f"{_AUTH}.basic", "basicAuth", {"users": _USER, "usersFile": "/users"}),
    *_same_names(f"{_AUTH}.basic", "basicAuth", {"removeHeader": _ON}, f"{_AUTH}.basic.users"),
    *_same_names(f"{_AUTH}.digest", "digestAuth", {"users": "eve:realm:hash", "usersFile": "/users"}),
    *_same_names(f"{_AUTH}.digest", "digestAuth", {"removeHeader": _ON}, f"{_AUTH}.digest.users"),
    *_same_names(f"{_AUTH}.forward", "forwardAuth", {"address": "http://auth.test"}),
    *_same_names(
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
        "header with the user name for the server; also with `digest` and `forward`",
        requires=(f"{_AUTH}.basic.users",),
        translates_to="basicAuth.headerField",
    ),
    *(
        Label(
            f"{_RATE}.rateSet.NAME.{name}",
            example,
            requires=(f"{_RATE}.extractorFunc", f"{_RATE}.rateSet.NAME.average"),
            translates_to=f"rateLimit.{name}",
        )
        for name, example in (("period", "10s"), ("average", "5"), ("burst", "10"))
    ),
    Label(
        f"{_RATE}.extractorFunc",
        "client.ip",
        "criterion by which requests are counted",
        source_criterion,
        requires=(f"{_RATE}.rateSet.NAME.average",),
        translates_to="rateLimit.sourceCriterion.ipStrategy",
    ),
    Label(
        "frontend.passTLSCert",
        _ON,
        "no effect: servers get no certificate",
        values.boolean,
        False,
        support=Support.UNSERVED,
    ),
)
"""Options of a frontend, in the order of the page, which is the order of the middlewares."""

_BUFFERING = ("maxRequestBodyBytes", "memRequestBodyBytes", "maxResponseBodyBytes", "memResponseBodyBytes")
_CONNECTIONS = "backend.maxConn"

BACKEND_MIDDLEWARES = (
    *_same_names("backend.circuitBreaker", "circuitBreaker", {"expression": "NetworkErrorRatio() > 0.5"}),
    *_same_names(
        "backend.buffering",
        "buffering",
        {**dict.fromkeys(_BUFFERING, "1024"), "retryExpression": "IsNetworkError()"},
    ),
    *_same_names(_CONNECTIONS, "inFlightReq", {"amount": "10"}),
    Label(
        f"{_CONNECTIONS}.extractorFunc",
        "client.ip",
        "criterion by which connections are counted; by default `request.host`",
        source_criterion,
        requires=(f"{_CONNECTIONS}.amount",),
        translates_to="inFlightReq.sourceCriterion.ipStrategy",
    ),
)
"""Options of a backend, each of which becomes a middleware of every router to that backend."""
