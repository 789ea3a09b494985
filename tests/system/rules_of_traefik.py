"""Rules with requests: every row of Traefik 3's reference on rules, and attempts to bypass rules.

In rules and requests, {n} stands for the row's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAX_PRIORITY = 2**63 - 1 - 1000
"""The highest priority that Traefik accepts."""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A request: `METHOD host/target` with header lines, or the text of a head; {n} is the row's name."""

    line: str = ""
    headers: tuple[str, ...] = ()
    raw: str = ""

    def head(self, name: str) -> bytes:
        text = self.raw
        if not text:
            method, _, rest = self.line.rpartition(" ")
            where, slash, target = rest.partition("/")
            lines = (f"{method or 'GET'} {slash}{target} HTTP/1.1", f"Host: {where}", *self.headers)
            text = _head(*lines)
        return text.replace("{n}", name).replace("{N}", name.upper()).encode("latin-1")


def _head(line: str, *headers: str) -> str:
    return "\r\n".join((line, *headers, "Connection: close", "", ""))


def raw_request(line: str, *headers: str) -> SampleRequest:
    """Return a request with exactly this request line and these headers."""
    return SampleRequest(raw=_head(line, *headers))


Routers = dict[str, dict[str, Any]]


def host_router(rule: str, **more: Any) -> Routers:
    """Return a router for the host with the row's name."""
    return one_router(f"Host(`{{n}}.test`) && {rule}", **more)


def one_router(rule: str, **more: Any) -> Routers:
    return {"": {"rule": rule, **more}}


def requests_for(*targets: str) -> list[str]:
    return [f"{{n}}.test{target}" for target in targets]


def with_headers(*lines: tuple[str, ...]) -> list[str | SampleRequest]:
    return [SampleRequest("{n}.test/", each) for each in lines]


# name: (routers by the suffix of their names, requests)
ROWS: dict[str, tuple[Routers, list[Any]]] = {
    # The rows of the reference on rules, in its order.
    "header": (
        host_router("Header(`X-Kind`, `a/b`)"),
        with_headers(("X-Kind: a/b",), ("x-kind:   a/b  ",), ("X-Kind: A/b",), ("X-Kind: a/b; c",), ()),
    ),
    "header-regexp": (
        host_router("HeaderRegexp(`X-Kind`, `^a/(b|c)$`)"),
        with_headers(("X-Kind: a/b",), ("X-Kind: a/c",), ("X-Kind: a/d",), ("X-Kind: A/b",)),
    ),
    "header-any-case": (
        host_router("HeaderRegexp(`X-Kind`, `(?i)^a/(b|c)$`)"),
        with_headers(("X-Kind: A/B",), ("X-Kind: a/d",)),
    ),
    "host": (
        one_router("Host(`{n}.test`)"),
        ["{n}.test/", "{N}.Test/x", "a.{n}.test/", "{n}.test:81/", "{n}.test./"],
    ),
    "host-any": (
        one_router("Host(`*`) && Path(`/{n}`)"),
        ["a.test/{n}", "127.0.0.1/{n}", "[::1]/{n}", "/{n}"],
    ),
    "host-below": (
        one_router(r"HostRegexp(`^.+\.{n}\.test$`)"),
        ["a.{n}.test/", "a.b.{n}.test/", "A.{N}.TEST/", "{n}.test/", "a-{n}.test/"],
    ),
    "host-either": (
        one_router(r"HostRegexp(`^{n}\.(one|two)$`)"),
        ["{n}.one/", "{n}.two/", "{n}.three/", "x{n}.one/", "{n}.one:8/"],
    ),
    "host-any-case": (
        one_router(r"HostRegexp(`(?i)^{N}\.(one|two)$`)"),
        ["{n}.one/", "{N}.TWO/", "{n}.three/"],
    ),
    "host-below-one": (
        one_router("Host(`*.{n}.test`)"),
        ["a.{n}.test/", "a.b.{n}.test/", "{n}.test/", "A.{n}.test.:8/", "a{n}.test/"],
    ),
    "method": (host_router("Method(`OPTIONS`)"), ["OPTIONS {n}.test/", "{n}.test/", "HEAD {n}.test/"]),
    "path": (host_router("Path(`/a`)"), requests_for("/a", "/a/", "/a/b", "/a?b", "/ab", "/A")),
    "prefix": (host_router("PathPrefix(`/a`)"), requests_for("/a", "/a/", "/a/b", "/a-b", "/", "/A", "/b/a")),
    "path-regexp": (
        host_router("PathRegexp(`^/a/(b|c)/[0-9]+$`)"),
        requests_for("/a/b/31", "/a/c/1", "/a/d/1", "/a/b/", "/a/b/1/"),
    ),
    "path-end": (
        host_router(r"PathRegexp(`\.(x|y)$`)"),
        requests_for("/a.x", "/b/c.y?z", "/a.xy", "/a.X", "/x"),
    ),
    "path-any-case": (host_router("PathRegexp(`(?i)^/a`)"), requests_for("/A", "/ab", "/b/a")),
    "query": (
        host_router("Query(`a`, `b`)"),
        requests_for("/?a=b", "/x?c=d&a=b", "/?a=c", "/?A=b", "/", "/?a"),
    ),
    "query-alone": (host_router("Query(`a`)"), requests_for("/?a", "/?a=", "/?a=b", "/?b&a&c", "/")),
    "query-either": (
        host_router("QueryRegexp(`a`, `^(b|c)$`)"),
        requests_for("/?a=b", "/?a=c", "/?a=bc", "/?a=x&a=b"),
    ),
    "query-any": (host_router("QueryRegexp(`a`, `^.*$`)"), requests_for("/?a", "/?a=", "/?a=b", "/?b=a")),
    "query-any-case": (host_router("QueryRegexp(`a`, `(?i)^(b|c)$`)"), requests_for("/?a=B", "/?a=d")),
    "client": (host_router("ClientIP(`127.0.0.1`)"), requests_for("/")),
    "client-v6": (host_router("ClientIP(`::1`)"), requests_for("/")),
    "client-subnet": (host_router("ClientIP(`127.0.0.0/24`)"), requests_for("/")),
    "client-subnet-v6": (host_router("ClientIP(`fe80::/10`)"), requests_for("/")),
    "old-syntax": (
        one_router("HostRegexp(`{sub:[a-z]+}.{n}.test`)", ruleSyntax="v2"),
        ["a.{n}.test/", "1.{n}.test/", "a.b.{n}.test/", "{n}.test/"],
    ),
    "by-length": (
        {
            "": {"rule": "Host(`{n}.test`)"},
            "-longer": {"rule": r"HostRegexp(`^[a-z-]+\.test$`) && Query(`{n}`)"},
        },
        requests_for("/", "/?{n}"),
    ),
    "by-priority": (
        {
            "": {"rule": "Host(`{n}.test`)", "priority": 200},
            "-longer": {"rule": "Host(`{n}.test`) && PathPrefix(`/`)", "priority": 100},
        },
        requests_for("/"),
    ),
    "priority-zero": (
        {
            "": {"rule": "Host(`{n}.test`)", "priority": 0},
            "-lower": {"rule": "Host(`{n}.test`) && PathPrefix(`/a`)", "priority": 5},
        },
        requests_for("/", "/a"),
    ),
    "priority-negative": (
        {
            "": {"rule": "Host(`{n}.test`) && PathPrefix(`/a`)", "priority": -7},
            "-higher": {"rule": "Host(`{n}.test`) && Path(`/a`)", "priority": 1},
        },
        requests_for("/a", "/ab"),
    ),
    "priority-largest": (
        {
            "": {"rule": "Host(`{n}.test`)", "priority": MAX_PRIORITY},
            "-lower": {"rule": "Host(`{n}.test`) && PathPrefix(`/a`)", "priority": MAX_PRIORITY - 1},
        },
        requests_for("/a"),
    ),
    # Operators and quotes.
    "and-or": (
        host_router("Path(`/a`) || Host(`{n}.test`) && Path(`/b`) && Method(`GET`)"),
        ["{n}.test/a", "{n}.test/b", "POST {n}.test/b", "x.test/b"],
    ),
    "grouped": (
        host_router("(Path(`/a`) || Path(`/b`)) && Method(`GET`)"),
        ["{n}.test/a", "POST {n}.test/a", "{n}.test/b"],
    ),
    "not": (host_router("!Path(`/a`) && !Method(`POST`)"), ["{n}.test/a", "{n}.test/b", "POST {n}.test/b"]),
    "not-grouped": (host_router("!(Path(`/a`) || Query(`b`))"), requests_for("/a", "/c", "/c?b", "/a?b")),
    "not-not": (host_router("!(!Path(`/a`))"), requests_for("/a", "/b")),
    "matchers-in-other-case": (
        one_router("HOST(`{n}.test`) && path(`/a`) && Pathprefix(`/`)"),
        requests_for("/a", "/b"),
    ),
    "quoted": (host_router('Path("/\\u0061\\x62")'), requests_for("/ab")),
    "quoted-once-more": (host_router(r'PathRegexp("^/[\\w]+$")'), requests_for("/ab", "/a-b")),
    "unreadable": (one_router("Host(`{n}.test`) & Path(`/`)"), requests_for("/")),
    "several-values": (one_router("Host(`{n}.test`, `{n}.two`)"), requests_for("/")),
    "host-template": (one_router("HostRegexp(`{sub:[a-z]+}.{n}.test`)"), ["a.{n}.test/", "{n}.test/"]),
    "v3-several-values": (
        one_router("Host(`{n}.test`, `{n}.two`)", ruleSyntax="v3"),
        requests_for("/"),
    ),
    "no-expression": (one_router("Host(`{n}.test`) && PathRegexp(`(`)"), requests_for("/")),
    "look-around": (one_router("Host(`{n}.test`) && PathRegexp(`^/(?!a)`)"), requests_for("/b")),
    # Paths: another spelling does not bypass a rule.
    "spelled": (
        host_router("Path(`/a`)"),
        requests_for(
            "/%61",
            "//a",
            "/./a",
            "/b/../a",
            "/../a",
            "/%2e%2E/a",
            "/b/..//a",
            "/a/.",
            "/a/..",
            "/a%2F",
            "/b/..%2Fa",
        )
        + requests_for(
            "/a;x", "/a%3Bx", "/a%00", "/a\\", "/%2Fa", "/a#", "/a%20", "/a%3F", "/a%23", "/a%25", "/a\xe9"
        ),
    ),
    "under": (
        host_router("PathPrefix(`/a/`)"),
        requests_for(
            "/a", "/a/", "/a//", "/a/..", "/a/../b", "/%61/x", "/b/../a/x", "/a%2Fx", "/a/%2e%2e/b", "/a/."
        ),
    ),
    "beside": (
        {
            "": {"rule": "Host(`{n}.test`) && PathPrefix(`/admin`)", "priority": 9},
            "-open": {"rule": "Host(`{n}.test`)", "priority": 1},
        },
        requests_for(
            "/admin",
            "/Admin",
            "/%61dmin",
            "//admin",
            "/x/../admin",
            "/admin/../x",
            "/.%2e/admin",
            "/x/%2E%2e//admin",
        )
        + requests_for(
            "/admin%2F..", "/%2561dmin", "/x%2F../admin", "/admin;/x", "/;/admin", "/\\admin", "/./././admin"
        ),
    ),
    "blank": (host_router("Path(`/a b`)"), requests_for("/a%20b", "/a+b", "/a%2Bb")),
    "reserved": (host_router("Path(`/a%2Fb`)"), requests_for("/a%2Fb", "/a%2fb", "/a/b", "/a%252Fb")),
    "reserved-spelled": (
        host_router("Path(`/a%2fb`)"),
        requests_for(
            "/a%2Fb",
        ),
    ),
    "unreserved-spelled": (host_router("Path(`/%61`)"), requests_for("/a")),
    "dots-in-rule": (host_router("Path(`/a/../b`)"), requests_for("/b")),
    "outside-ascii": (
        host_router("Path(`/\u00e9`)"),
        requests_for("/%C3%A9", "/%c3%a9", "/\xc3\xa9", "/%E9", "/e"),
    ),
    "regexp-spelled": (
        host_router("PathRegexp(`^/a/b$`)"),
        requests_for("/a/b", "//a//b", "/%61/b", "/a%2Fb", "/a/./b"),
    ),
    # Hosts.
    "dotted-rule": (one_router("Host(`{n}.test.`)"), ["{n}.test/", "{n}.test./"]),
    "dotted-regexp": (one_router(r"HostRegexp(`^{n}\.test$`)"), ["{n}.test/", "{n}.test:8/", "{n}.test./"]),
    "host-forms": (
        one_router("Host(`{n}.test`)"),
        [
            "{n}.test:/",
            "{n}.test.:8/",
            "{n}.test../",
            "{n}.test:99999/",
            "{n}.test:x/",
            "{n}.test:8:8/",
            " {n}.test/",
        ],
    ),
    "port-in-rule": (one_router("Host(`{n}.test:8`)"), ["{n}.test/", "{n}.test:8/"]),
    "v6": (
        one_router("Host(`2001:db8::7`)"),
        ["[2001:db8::7]/", "[2001:db8::7]:8/", "[2001:DB8::7]/", "[2001:db8::8]/"],
    ),
    "v6-in-brackets": (one_router("Host(`[2001:db8::9]`)"), ["[2001:db8::9]/"]),
    "v4": (one_router("Host(`192.0.2.7`)"), ["192.0.2.7/", "192.0.2.7:8/", "192.0.2.70/"]),
    "punycode": (one_router("Host(`xn--bcher-kva.{n}`)"), ["xn--bcher-kva.{n}/", "XN--BCHER-KVA.{n}/"]),
    "idna": (one_router("Host(`b\u00fccher.{n}`)"), ["xn--bcher-kva.{n}/"]),
    "underscore": (one_router("Host(`a_b.{n}`)"), ["a_b.{n}/", "A_B.{n}/"]),
    "several-hosts": (one_router("Host(`{n}.test`)"), ["{n}.test,x.test/", "x.test,{n}.test/"]),
    "no-host": (
        one_router("Path(`/{n}`)"),
        [
            raw_request("GET /{n} HTTP/1.0"),
            raw_request("GET /{n} HTTP/1.1"),
            raw_request("GET /{n} HTTP/1.1", "Host:"),
            raw_request("GET /{n} HTTP/1.1", "Host: a", "Host: b"),
        ],
    ),
    "host-without": (
        one_router("Host(`{n}.test`)"),
        [raw_request("GET / HTTP/1.0", "Host: {n}.test"), raw_request("GET / HTTP/1.0")],
    ),
    "absolute": (
        one_router("Host(`{n}.test`)"),
        [
            raw_request("GET http://{n}.test/x HTTP/1.1", "Host: other"),
            raw_request("GET http://other/x HTTP/1.1", "Host: {n}.test"),
            raw_request("GET http://{N}.TEST:8/x HTTP/1.1", "Host: other"),
            raw_request("GET HTTP://{n}.test HTTP/1.1", "Host: other"),
            raw_request("GET http://{n}.test?x HTTP/1.1", "Host: other"),
            raw_request("GET https://{n}.test/x HTTP/1.1", "Host: other"),
            raw_request("GET ftp://{n}.test/x HTTP/1.1", "Host: other"),
            raw_request("GET http://a:b@{n}.test/x HTTP/1.1", "Host: other"),
            raw_request("GET http://other\\@{n}.test/x HTTP/1.1", "Host: other"),
            raw_request("GET http:///x HTTP/1.1", "Host: {n}.test"),
            raw_request("GET http://{n}.test/x HTTP/1.0"),
            raw_request("GET //{n}.test/x HTTP/1.1", "Host: other"),
            raw_request("GET x HTTP/1.1", "Host: {n}.test"),
        ],
    ),
    # Headers.
    "header-list": (
        host_router("Header(`X-A`, `a, b`)"),
        with_headers(("X-A: a, b",), ("X-A: a,b",), ("X-A: a", "X-A: b"), ("X-A: c", "x-a: a, b")),
    ),
    "header-lines": (host_router("Header(`X-A`, `b`)"), with_headers(("X-A: a", "X-A: b"), ("X-A: a, b",))),
    "header-nothing": (host_router("HeaderRegexp(`X-A`, `^$`)"), with_headers(("X-A:",), ("X-A: \t ",), ())),
    "header-length": (
        host_router("HeaderRegexp(`Content-Length`, `^0$`)"),
        with_headers(("Content-Length: 0",), ()),
    ),
    "header-coding": (
        host_router("HeaderRegexp(`Transfer-Encoding`, `.`)"),
        [raw_request("POST / HTTP/1.1", "Host: {n}.test", "Transfer-Encoding: chunked", "", "0", "")],
    ),
    "header-connection": (host_router("HeaderRegexp(`Connection`, `.`)"), with_headers(())),
    "header-forwarded": (
        host_router("Header(`X-Forwarded-Proto`, `http`)"),
        with_headers((), ("X-Forwarded-Proto: https",)),
    ),
    "header-host": (host_router("Header(`Host`, `{n}.test`)"), requests_for("/")),
    "header-empty": (host_router("Header(`X-A`, ``)"), with_headers(("X-A:",))),
    # Queries.
    "query-spelled": (
        host_router("Query(`a b`, `c d`)"),
        requests_for("/?a+b=c+d", "/?a%20b=c%20d", "/?%61+b=%63+d", "/?a%2Bb=c+d", "/?a+b=c%2Bd"),
    ),
    "query-forms": (
        host_router("Query(`a`, `b`)"),
        requests_for(
            "/?a=b;",
            "/?a=b;c=d",
            "/?c=d;a=b",
            "/?a=b%",
            "/?x=%zz&a=b",
            "/?&a=b",
            "/?a=b=c",
            "/?a=b?",
            "/??a=b",
        )
        + requests_for("/?a=c&a=b", "/?a%3Db", "/?a=b%00", "/a=b"),
    ),
    "query-outside-ascii": (
        host_router("Query(`\u00e9`, `\u00fc`)"),
        requests_for("/?%C3%A9=%C3%BC", "/?%E9=%FC"),
    ),
    # Methods and clients.
    "method-small": (host_router("Method(`get`)"), ["GET {n}.test/", "get {n}.test/"]),
    "method-own": (host_router("Method(`BREW`)"), ["BREW {n}.test/", "POST {n}.test/"]),
    "client-v4-as-v6": (host_router("ClientIP(`::ffff:127.0.0.1`)"), requests_for("/")),
    "client-behind-mask": (host_router("ClientIP(`127.0.0.9/8`)"), requests_for("/")),
    "client-claimed": (
        host_router("ClientIP(`192.0.2.7`)"),
        with_headers(("X-Forwarded-For: 192.0.2.7",), ("X-Real-Ip: 192.0.2.7",)),
    ),
    # Traefik 2's language.
    "old-host": (
        one_router("Host(`{n}.test`, `{n}.two`)", ruleSyntax="v2"),
        ["{n}.test/", "{n}.two/", "{n}.three/"],
    ),
    "old-path": (
        one_router("Host(`{n}.test`) && Path(`/a`, `/b/{id:[0-9]+}`)", ruleSyntax="v2"),
        requests_for("/a", "/a/", "/b/7", "/b/7/", "/b/x"),
    ),
    "old-prefix": (
        one_router("Host(`{n}.test`) && PathPrefix(`/a/{x}/b`)", ruleSyntax="v2"),
        requests_for("/a/1/b", "/a/1/bc", "/a/1/2/b", "/a//b"),
    ),
    "old-headers": (
        one_router("Host(`{n}.test`) && Headers(`X-A`, `b`) && HeadersRegexp(`X-C`, `^d`)", ruleSyntax="v2"),
        with_headers(("X-A: b", "X-C: de"), ("X-A: b",), ("X-A: B", "X-C: d")),
    ),
    "old-query": (
        one_router("Host(`{n}.test`) && Query(`a=b`, `c={d:[0-9]+}`)", ruleSyntax="v2"),
        requests_for("/?a=b&c=1", "/?a=b", "/?a=b&c=x", "/?c=12&a=b"),
    ),
}

NORMALISED = "values of rules are normalised like request paths"
REFUSED = "an invalid request is refused before any rule is evaluated"
OF_TRAEFIK_2 = "rules of Traefik 2 need no ruleSyntax if they mean nothing in Traefik 3"
DIFFERENCES: dict[tuple[str, str], str] = {
    ("spelled", "{n}.test/a/."): "/a/. is /a/, as in RFC 3986; to Traefik it is /a",
    ("under", "{n}.test/a/."): "/a/. is /a/, as in RFC 3986; to Traefik it is /a",
    ("reserved-spelled", "{n}.test/a%2Fb"): NORMALISED,
    ("unreserved-spelled", "{n}.test/a"): NORMALISED,
    ("dots-in-rule", "{n}.test/b"): NORMALISED,
    ("dotted-regexp", "{n}.test./"): "expressions do not see the trailing dot either",
    ("port-in-rule", "{n}.test/"): NORMALISED,
    ("port-in-rule", "{n}.test:8/"): NORMALISED,
    ("v6-in-brackets", "[2001:db8::9]/"): NORMALISED,
    ("idna", "xn--bcher-kva.{n}/"): NORMALISED,
    ("several-values", "{n}.test/"): OF_TRAEFIK_2,
    ("host-template", "a.{n}.test/"): OF_TRAEFIK_2,
    ("header-host", "{n}.test/"): "Host is a header like others",
    ("header-empty", "{n}.test/"): "an empty value is a value; Traefik refuses the rule",
    ("host-any", "/{n}"): REFUSED,
    ("host-forms", "{n}.test:x/"): REFUSED,
    ("host-forms", "{n}.test:8:8/"): REFUSED,
    ("method-small", "get {n}.test/"): REFUSED,
    ("no-host", _head("GET /{n} HTTP/1.1", "Host:")): REFUSED,
    ("absolute", _head("GET ftp://{n}.test/x HTTP/1.1", "Host: other")): REFUSED,
    ("absolute", _head("GET http://a:b@{n}.test/x HTTP/1.1", "Host: other")): REFUSED,
    ("absolute", _head("GET http:///x HTTP/1.1", "Host: {n}.test")): REFUSED,
}
