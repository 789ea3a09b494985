"""The middleware headers: custom headers, cross-origin requests, security headers, accepted hosts."""

from __future__ import annotations

from tests.system.middleware_cases.case import Case, SampleRequest

ORIGIN = ("Origin", "https://a.example")
FOREIGN = ("Origin", "https://b.example")
METHOD = ("Access-Control-Request-Method", "PUT")
HEADERS = ("Access-Control-Request-Headers", "x-a, x-b")

PREFLIGHTS = [
    SampleRequest("/", "OPTIONS", [ORIGIN, METHOD]),
    SampleRequest("/", "OPTIONS", [FOREIGN, METHOD, HEADERS]),
    SampleRequest("/", "OPTIONS", [ORIGIN]),
    SampleRequest("/", "OPTIONS", [METHOD]),
    SampleRequest("/", "GET", [ORIGIN, METHOD]),
    SampleRequest("/", "GET", [FOREIGN]),
    SampleRequest("/", "HEAD", [ORIGIN]),
]
ALL_ENTRY_POINTS = [
    SampleRequest(),
    SampleRequest(entry_point="secure"),
    SampleRequest(headers=[("X-Forwarded-Proto", "https")]),
    SampleRequest(headers=[("X-Forwarded-Proto", "https")], entry_point="trusting"),
]
FORWARDED = [
    ("X-Forwarded-For", "192.0.2.7, 192.0.2.8"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "front.example"),
    ("X-Real-Ip", "192.0.2.7"),
]
SERVERS_OWN = [
    ("Server", "origin/1"),
    ("X-Powered-By", "one"),
    ("x-powered-by", "two"),
    ("Vary", "Accept-Encoding"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Strict-Transport-Security", "max-age=1"),
    ("Access-Control-Allow-Origin", "https://origin.example"),
]


def headers_case(
    name: str, options: dict[str, object], requests: list[SampleRequest], departure: str = ""
) -> Case:
    return Case(name, {"headers": {"headers": options}}, requests, (), SERVERS_OWN, departure)


CASES = [
    headers_case(
        "custom-request-headers",
        {"customRequestHeaders": {"X-Set": "new, value", "x-lower": "a:b", "X-Gone": "", "Accept": ""}},
        [
            SampleRequest(),
            SampleRequest(headers=[("X-Set", "one"), ("x-set", "two"), ("x-gone", "z"), ("Accept", "*/*")]),
            SampleRequest("/", "POST", [("X-LOWER", "one")], b"body", "secure"),
        ],
    ),
    headers_case(
        "custom-host",
        {"customRequestHeaders": {"Host": "inner.example:81"}, "allowedHosts": ["inner.example:81"]},
        [SampleRequest(), SampleRequest(headers=FORWARDED, entry_point="trusting")],
    ),
    headers_case("empty-custom-host", {"customRequestHeaders": {"Host": ""}}, [SampleRequest()]),
    headers_case(
        "forwarded-headers-set",
        {
            "customRequestHeaders": {
                "X-Forwarded-For": "198.51.100.1",
                "X-Forwarded-Proto": "wss",
                "X-Forwarded-Host": "set.example",
                "X-Forwarded-Port": "99",
                "X-Real-Ip": "198.51.100.2",
            }
        },
        [SampleRequest(headers=FORWARDED), SampleRequest(headers=FORWARDED, entry_point="trusting")],
    ),
    headers_case(
        "forwarded-headers-removed",
        {
            "customRequestHeaders": {
                "X-Forwarded-For": "",
                "X-Forwarded-Proto": "",
                "X-Forwarded-Host": "",
                "X-Forwarded-Port": "",
                "X-Real-Ip": "",
            }
        },
        [SampleRequest(headers=FORWARDED), SampleRequest(headers=FORWARDED, entry_point="trusting")],
    ),
    Case(
        "two-headers",
        {
            "outer": {
                "headers": {
                    "customRequestHeaders": {"X-A": "outer", "X-B": "outer"},
                    "customResponseHeaders": {"X-A": "outer", "Server": "outer"},
                    "frameDeny": True,
                }
            },
            "inner": {
                "headers": {
                    "customRequestHeaders": {"X-A": "inner", "X-B": ""},
                    "customResponseHeaders": {"X-A": "inner", "X-Frame-Options": "inner"},
                }
            },
        },
        [SampleRequest()],
        response_headers=SERVERS_OWN,
    ),
    headers_case(
        "custom-response-headers",
        {"customResponseHeaders": {"Server": "", "X-POWERED-BY": "", "X-Set": "a, b", "vary": "X-V"}},
        [SampleRequest(), SampleRequest(method="HEAD"), SampleRequest(method="OPTIONS")],
    ),
    headers_case(
        "header-in-utf-8",
        {"customRequestHeaders": {"X-Name": "caf\u00e9"}, "customResponseHeaders": {"X-Name": "\u20ac"}},
        [SampleRequest()],
    ),
    headers_case(
        "origins",
        {
            "accessControlAllowOriginList": ["https://a.example", "https://c.example"],
            "accessControlAllowMethods": ["GET", "PUT"],
            "accessControlAllowHeaders": ["X-A"],
            "accessControlExposeHeaders": ["X-B", "X-C"],
            "accessControlMaxAge": 60,
            "addVaryHeader": True,
        },
        PREFLIGHTS,
    ),
    headers_case("any-origin", {"accessControlAllowOriginList": ["*"]}, [*PREFLIGHTS, SampleRequest()]),
    headers_case(
        "any-origin-after-one",
        {"accessControlAllowOriginList": ["https://a.example", "*"], "accessControlMaxAge": 0},
        [*PREFLIGHTS, SampleRequest()],
    ),
    headers_case(
        "any-origin-with-credentials",
        {
            "accessControlAllowOriginList": ["*"],
            "accessControlAllowCredentials": True,
            "accessControlAllowHeaders": ["*"],
            "accessControlAllowMethods": ["*"],
            "accessControlExposeHeaders": ["*"],
        },
        [request for request in PREFLIGHTS if request.headers != [METHOD]],
    ),
    headers_case(
        "anything-without-credentials",
        {
            "accessControlAllowHeaders": ["*"],
            "accessControlAllowMethods": ["*"],
            "accessControlExposeHeaders": ["*"],
        },
        PREFLIGHTS,
    ),
    headers_case(
        "origin-expressions",
        {"accessControlAllowOriginListRegex": [r"^https://[ac]\.example$", "://d"]},
        [*PREFLIGHTS, SampleRequest(headers=[("Origin", "http://d.example")]), SampleRequest()],
    ),
    headers_case(
        "no-origin-with-credentials",
        {"accessControlAllowOriginList": ["*"], "accessControlAllowCredentials": True},
        [SampleRequest()],
        departure="Traefik sends an empty Access-Control-Allow-Origin if the request has no Origin",
    ),
    Case(
        "vary-with-origin",
        {"headers": {"headers": {"addVaryHeader": True}}},
        [SampleRequest()],
        response_headers=[("Vary", "Origin")],
    ),
    Case(
        "several-vary",
        {"headers": {"headers": {"addVaryHeader": True}}},
        [SampleRequest()],
        response_headers=[("Vary", "Accept"), ("Vary", "Cookie")],
        departure="Traefik drops all Vary lines but the first",
    ),
    headers_case("only-vary", {"addVaryHeader": True}, [*PREFLIGHTS, SampleRequest()]),
    headers_case(
        "security-headers",
        {
            "frameDeny": True,
            "contentTypeNosniff": True,
            "browserXssFilter": True,
            "contentSecurityPolicy": "default-src 'self' 100%",
            "contentSecurityPolicyReportOnly": "script-src 'none'",
            "referrerPolicy": "no-referrer",
            "permissionsPolicy": "camera=()",
            "publicKey": 'pin-sha256="x"; max-age=5',
            "stsSeconds": 99,
            "stsIncludeSubdomains": True,
            "stsPreload": True,
        },
        ALL_ENTRY_POINTS,
    ),
    headers_case(
        "custom-security-headers",
        {
            "frameDeny": True,
            "customFrameOptionsValue": "SAMEORIGIN",
            "browserXssFilter": True,
            "customBrowserXSSValue": "0",
            "stsSeconds": 99,
            "forceSTSHeader": True,
            "customResponseHeaders": {"X-XSS-Protection": "", "X-Frame-Options": "custom"},
        },
        ALL_ENTRY_POINTS,
    ),
    headers_case(
        "tls-of-a-proxy-in-front",
        {"stsSeconds": 7, "sslProxyHeaders": {"X-Forwarded-Proto": "https", "x-tls": "Yes"}},
        [
            *ALL_ENTRY_POINTS,
            SampleRequest(headers=[("X-Tls", "Yes")]),
            SampleRequest(headers=[("X-Tls", "yes")]),
            SampleRequest(headers=[("X-Tls", "no"), ("X-Tls", "Yes")]),
        ],
    ),
    headers_case("sts-of-no-seconds", {"stsSeconds": 0, "forceSTSHeader": True}, ALL_ENTRY_POINTS),
    headers_case(
        "development",
        {
            "isDevelopment": True,
            "stsSeconds": 9,
            "forceSTSHeader": True,
            "allowedHosts": ["a.example"],
            "publicKey": "pin",
            "frameDeny": True,
        },
        ALL_ENTRY_POINTS,
    ),
    headers_case(
        "old-options",
        {
            "sslRedirect": True,
            "sslTemporaryRedirect": True,
            "sslHost": "tls.example",
            "sslForceHost": True,
            "featurePolicy": "camera 'none'",
        },
        ALL_ENTRY_POINTS,
    ),
    headers_case(
        "allowed-hosts",
        {"allowedHosts": ["ALLOWED-hosts.test"], "customRequestHeaders": {"X-A": "b"}},
        [SampleRequest(), SampleRequest(headers=[("Host", "allowed-HOSTS.test")])],
    ),
    headers_case(
        "other-hosts",
        {
            "allowedHosts": ["a.example", "b.example"],
            "accessControlAllowOriginList": ["*"],
            "customResponseHeaders": {"X-A": "b"},
        },
        [SampleRequest(), SampleRequest("/", "POST", body=b"x"), PREFLIGHTS[0]],
    ),
    headers_case(
        "security-headers-of-a-refusal",
        {"allowedHosts": ["a.example"], "frameDeny": True},
        [SampleRequest()],
        departure="Traefik's refusal of a host has none of the security headers",
    ),
    headers_case(
        "hosts-of-a-proxy-in-front",
        {"allowedHosts": ["a.example"], "hostsProxyHeaders": ["X-Forwarded-Host", "X-Host"]},
        [
            SampleRequest(headers=[("X-Forwarded-Host", "a.example")]),
            SampleRequest(headers=[("X-Forwarded-Host", "a.example")], entry_point="trusting"),
            SampleRequest(headers=[("X-Host", "a.example")]),
        ],
    ),
    headers_case(
        "hosts-in-own-header",
        {"allowedHosts": ["a.example"], "hostsProxyHeaders": ["X-Host", "X-Other"]},
        [
            SampleRequest(headers=[("X-Host", "A.example")]),
            SampleRequest(headers=[("X-Host", ""), ("X-Other", "a.example")]),
            SampleRequest(headers=[("X-Host", "b.example"), ("X-Other", "a.example")]),
            SampleRequest(),
        ],
    ),
]
