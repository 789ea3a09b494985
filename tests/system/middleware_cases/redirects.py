"""Redirections by scheme and by expression."""

from __future__ import annotations

from tests.system.middleware_cases.case import Case, EntryPoint, SampleRequest

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


def proto(value: str, path: str = "/x", entry_point: EntryPoint = "trusting") -> SampleRequest:
    """Return a request with this X-Forwarded-Proto."""
    return SampleRequest(path, headers=[("X-Forwarded-Proto", value)], entry_point=entry_point)


def host(value: str, path: str = "/x", entry_point: EntryPoint = "web") -> SampleRequest:
    """Return a request with this Host."""
    return SampleRequest(path, headers=[("Host", value)], entry_point=entry_point)


def requests_for(*paths: str) -> list[SampleRequest]:
    return [SampleRequest(path) for path in paths]


CASES = [
    Case(
        "scheme",
        {"to": {"redirectScheme": {"scheme": "https"}}},
        [
            *(SampleRequest("/x?q=1", method) for method in METHODS),
            SampleRequest("/x", "POST", body=b"some body"),
            SampleRequest("/x", entry_point="secure"),
            *requests_for(
                "/", "/?", "/?a=/b//c", "/a%2Fb", "/a%2fb", "/%61", "/a//b", "/x/../y", "/x/./y?z=.."
            ),
            *requests_for(
                "/a:b;c=d,e", "/a'(b)!*", "/a[b]", "/a?b=c|d{e}^f", "/a?b?c", "/a@b", "//other.test/x"
            ),
            *requests_for("/a%20b", "/a%C3%A9", "/?x=%zz", "/a%0D%0AX-Y:z", "/a?b%0d%0aX-Y:z"),
            proto("https"),
            proto("http"),
            proto("wss"),
            proto("ws"),
            proto(""),
            proto("ftp"),
            proto("https,http"),
            proto("x://y"),
            proto("https", entry_point="web"),
            proto("http", entry_point="secure"),
            host("scheme.test:80"),
            host("scheme.test:8080"),
            host("scheme.test:443"),
            host("Scheme.Test"),
            host("scheme.test."),
            host("scheme.test:443", entry_point="secure"),
            host("scheme.test:8443", entry_point="secure"),
        ],
    ),
    Case(
        "scheme-port",
        {"to": {"redirectScheme": {"scheme": "https", "port": "8443", "permanent": True}}},
        [
            *(SampleRequest("/x?q=1", method) for method in METHODS),
            SampleRequest("/x", entry_point="secure"),
            host("scheme-port.test:8443"),
            host("scheme-port.test:8443", entry_point="secure"),
            host("scheme-port.test:9443", entry_point="secure"),
            proto("https"),
        ],
    ),
    Case(
        "scheme-default-port",
        {"to": {"redirectScheme": {"scheme": "https", "port": "443"}}},
        [
            SampleRequest("/x"),
            host("scheme-default-port.test:80"),
            SampleRequest(entry_point="secure"),
            host("scheme-default-port.test:443", entry_point="secure"),
        ],
    ),
    Case(
        "scheme-plain",
        {"to": {"redirectScheme": {"scheme": "http", "port": "80"}}},
        [
            SampleRequest("/x", entry_point="secure"),
            SampleRequest("/x"),
            host("scheme-plain.test:80"),
            host("scheme-plain.test:8080"),
            proto("https"),
        ],
    ),
    Case(
        "scheme-after-strip",
        {
            "strip": {"stripPrefix": {"prefixes": ["/a"]}},
            "to": {"redirectScheme": {"scheme": "https"}},
        },
        requests_for("/a/x?q", "/b", "/a//x"),
    ),
    Case(
        "scheme-before-strip",
        {
            "to": {"redirectScheme": {"scheme": "https"}},
            "strip": {"stripPrefix": {"prefixes": ["/a"]}},
        },
        [SampleRequest("/a/x?q"), SampleRequest("/a/x?q", entry_point="secure")],
    ),
    Case(
        "regex",
        {
            "to": {
                "redirectRegex": {
                    "regex": "^http://([^/:]+)(:[0-9]+)?/old/(.*)",
                    "replacement": "https://$1/new/${3}",
                }
            }
        },
        [
            *(SampleRequest("/old/x?q=1", method) for method in METHODS),
            *requests_for("/new/x", "/old", "/old/", "/old/a%2fb?c=/d", "/%6fld/x", "//old/x", "/y/../old/x"),
            *requests_for("/old/a'(b)!*", "/old/[b]", "/old/x?a|b", "/old/%20?%20"),
            SampleRequest("/old/x", entry_point="secure"),
            proto("https", "/old/x"),
            host("regex.test:8080", "/old/x"),
            host("REGEX.test", "/old/x"),
        ],
    ),
    Case(
        "regex-permanent",
        {"to": {"redirectRegex": {"regex": ".*", "replacement": "https://new.test/", "permanent": True}}},
        [SampleRequest("/x?q=1", method) for method in METHODS],
    ),
    Case(
        "regex-everything",
        {"to": {"redirectRegex": {"regex": "(.*)", "replacement": "$1/end"}}},
        requests_for("/", "/x?q=1"),
    ),
    Case(
        "regex-part",
        {"to": {"redirectRegex": {"regex": "a(?P<rest>b*)", "replacement": "c${rest}$$$2$rest"}}},
        requests_for("/abb/a", "/x?ab", "/x"),
    ),
    Case(
        "regex-same",
        {"to": {"redirectRegex": {"regex": "^(.*)$", "replacement": "$1"}}},
        [*requests_for("/x?q=1", "/a%2Fb"), SampleRequest("/x", entry_point="secure")],
    ),
    Case(
        "regex-relative",
        {"to": {"redirectRegex": {"regex": "^http://[^/]+/a/(.*)", "replacement": "/b/$1"}}},
        requests_for("/a/x", "/b/x", "/a/?q"),
    ),
    Case(
        "regex-query",
        {"to": {"redirectRegex": {"regex": r"^http://[^/]+/s\?q=([a-z]+)$", "replacement": "/s/$1#top"}}},
        requests_for("/s?q=abc", "/s?q=ABC", "/s?q=a&b=c"),
    ),
    Case(
        "regex-text",
        {"to": {"redirectRegex": {"regex": ".*/t/(.*)", "replacement": "https://new.test/a b/caf\u00e9|$1"}}},
        requests_for("/t/x"),
    ),
    Case(
        "regex-empty",
        {"to": {"redirectRegex": {"regex": ".*", "replacement": ""}}},
        requests_for("/t/x"),
    ),
    Case(
        "scheme-raw",
        {"to": {"redirectScheme": {"scheme": "https"}}},
        requests_for("/a|b", '/a"b<c>', "/a{b}^`", "/caf\u00e9", "/a\\b"),
    ),
    Case(
        "scheme-raw-and-escaped",
        {"to": {"redirectScheme": {"scheme": "https"}}},
        requests_for("/a%2Fb|c"),
        departure="Traefik decodes all escapes in a path that needs one more, which changes its segments",
    ),
    Case(
        "scheme-raw-query",
        {"to": {"redirectScheme": {"scheme": "https"}}},
        requests_for("/?caf\u00e9"),
        departure="Traefik sends bytes that are not ASCII in Location, which browsers decode differently",
    ),
    Case(
        "two-redirects",
        {
            "first": {"redirectRegex": {"regex": "/one$", "replacement": "/two"}},
            "second": {"redirectScheme": {"scheme": "https"}},
        },
        [*requests_for("/one", "/two"), SampleRequest("/one", entry_point="secure")],
    ),
]
