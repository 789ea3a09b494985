"""Rules with requests: every row of Traefik 3's reference on rules, and what an adversary would try.

In rules and requests {n} stands for the row's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LARGEST = 2**63 - 1 - 1000
"""The highest priority that Traefik lets users give."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`METHOD host/target` with header lines, or the bytes of a head, in which {n} is the row's name."""

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


def raw(line: str, *headers: str) -> Asked:
    """A head with just this request line and these headers."""
    return Asked(raw=_head(line, *headers))


Routers = dict[str, dict[str, Any]]


def ruled(rule: str, **more: Any) -> Routers:
    """One router, for the host that bears the row's name."""
    return whole(f"Host(`{{n}}.test`) && {rule}", **more)


def whole(rule: str, **more: Any) -> Routers:
    return {"": {"rule": rule, **more}}


def at(*targets: str) -> list[str]:
    return [f"{{n}}.test{target}" for target in targets]


def with_headers(*lines: tuple[str, ...]) -> list[str | Asked]:
    return [Asked("{n}.test/", each) for each in lines]


# name: (routers by what their names end in, what is asked)
ROWS: dict[str, tuple[Routers, list[Any]]] = {
    # The rows of the reference on rules, in its order.
    "header": (
        ruled("Header(`X-Kind`, `a/b`)"),
        with_headers(("X-Kind: a/b",), ("x-kind:   a/b  ",), ("X-Kind: A/b",), ("X-Kind: a/b; c",), ()),
    ),
    "header-regexp": (
        ruled("HeaderRegexp(`X-Kind`, `^a/(b|c)$`)"),
        with_headers(("X-Kind: a/b",), ("X-Kind: a/c",), ("X-Kind: a/d",), ("X-Kind: A/b",)),
    ),
    "header-any-case": (
        ruled("HeaderRegexp(`X-Kind`, `(?i)^a/(b|c)$`)"),
        with_headers(("X-Kind: A/B",), ("X-Kind: a/d",)),
    ),
    "host": (
        whole("Host(`{n}.test`)"),
        ["{n}.test/", "{N}.Test/x", "a.{n}.test/", "{n}.test:81/", "{n}.test./"],
    ),
    "host-any": (whole("Host(`*`) && Path(`/{n}`)"), ["a.test/{n}", "127.0.0.1/{n}", "[::1]/{n}", "/{n}"]),
    "host-below": (
        whole(r"HostRegexp(`^.+\.{n}\.test$`)"),
        ["a.{n}.test/", "a.b.{n}.test/", "A.{N}.TEST/", "{n}.test/", "a-{n}.test/"],
    ),
    "host-either": (
        whole(r"HostRegexp(`^{n}\.(one|two)$`)"),
        ["{n}.one/", "{n}.two/", "{n}.three/", "x{n}.one/", "{n}.one:8/"],
    ),
    "host-any-case": (whole(r"HostRegexp(`(?i)^{N}\.(one|two)$`)"), ["{n}.one/", "{N}.TWO/", "{n}.three/"]),
    "host-below-one": (
        whole("Host(`*.{n}.test`)"),
        ["a.{n}.test/", "a.b.{n}.test/", "{n}.test/", "A.{n}.test.:8/", "a{n}.test/"],
    ),
    "method": (ruled("Method(`OPTIONS`)"), ["OPTIONS {n}.test/", "{n}.test/", "HEAD {n}.test/"]),
    "path": (ruled("Path(`/a`)"), at("/a", "/a/", "/a/b", "/a?b", "/ab", "/A")),
    "prefix": (ruled("PathPrefix(`/a`)"), at("/a", "/a/", "/a/b", "/a-b", "/", "/A", "/b/a")),
    "path-regexp": (
        ruled("PathRegexp(`^/a/(b|c)/[0-9]+$`)"),
        at("/a/b/31", "/a/c/1", "/a/d/1", "/a/b/", "/a/b/1/"),
    ),
    "path-end": (ruled(r"PathRegexp(`\.(x|y)$`)"), at("/a.x", "/b/c.y?z", "/a.xy", "/a.X", "/x")),
    "path-any-case": (ruled("PathRegexp(`(?i)^/a`)"), at("/A", "/ab", "/b/a")),
    "query": (ruled("Query(`a`, `b`)"), at("/?a=b", "/x?c=d&a=b", "/?a=c", "/?A=b", "/", "/?a")),
    "query-alone": (ruled("Query(`a`)"), at("/?a", "/?a=", "/?a=b", "/?b&a&c", "/")),
    "query-either": (ruled("QueryRegexp(`a`, `^(b|c)$`)"), at("/?a=b", "/?a=c", "/?a=bc", "/?a=x&a=b")),
    "query-any": (ruled("QueryRegexp(`a`, `^.*$`)"), at("/?a", "/?a=", "/?a=b", "/?b=a")),
    "query-any-case": (ruled("QueryRegexp(`a`, `(?i)^(b|c)$`)"), at("/?a=B", "/?a=d")),
    "client": (ruled("ClientIP(`127.0.0.1`)"), at("/")),
    "client-v6": (ruled("ClientIP(`::1`)"), at("/")),
    "client-subnet": (ruled("ClientIP(`127.0.0.0/24`)"), at("/")),
    "client-subnet-v6": (ruled("ClientIP(`fe80::/10`)"), at("/")),
    "old-syntax": (
        whole("HostRegexp(`{sub:[a-z]+}.{n}.test`)", ruleSyntax="v2"),
        ["a.{n}.test/", "1.{n}.test/", "a.b.{n}.test/", "{n}.test/"],
    ),
    "by-length": (
        {
            "": {"rule": "Host(`{n}.test`)"},
            "-longer": {"rule": r"HostRegexp(`^[a-z-]+\.test$`) && Query(`{n}`)"},
        },
        at("/", "/?{n}"),
    ),
    "by-priority": (
        {
            "": {"rule": "Host(`{n}.test`)", "priority": 200},
            "-longer": {"rule": "Host(`{n}.test`) && PathPrefix(`/`)", "priority": 100},
        },
        at("/"),
    ),
    "priority-zero": (
        {
            "": {"rule": "Host(`{n}.test`)", "priority": 0},
            "-lower": {"rule": "Host(`{n}.test`) && PathPrefix(`/a`)", "priority": 5},
        },
        at("/", "/a"),
    ),
    "priority-negative": (
        {
            "": {"rule": "Host(`{n}.test`) && PathPrefix(`/a`)", "priority": -7},
            "-higher": {"rule": "Host(`{n}.test`) && Path(`/a`)", "priority": 1},
        },
        at("/a", "/ab"),
    ),
    "priority-largest": (
        {
            "": {"rule": "Host(`{n}.test`)", "priority": LARGEST},
            "-lower": {"rule": "Host(`{n}.test`) && PathPrefix(`/a`)", "priority": LARGEST - 1},
        },
        at("/a"),
    ),
    # Operators and quotes.
    "and-or": (
        ruled("Path(`/a`) || Host(`{n}.test`) && Path(`/b`) && Method(`GET`)"),
        ["{n}.test/a", "{n}.test/b", "POST {n}.test/b", "x.test/b"],
    ),
    "grouped": (
        ruled("(Path(`/a`) || Path(`/b`)) && Method(`GET`)"),
        ["{n}.test/a", "POST {n}.test/a", "{n}.test/b"],
    ),
    "not": (ruled("!Path(`/a`) && !Method(`POST`)"), ["{n}.test/a", "{n}.test/b", "POST {n}.test/b"]),
    "not-grouped": (ruled("!(Path(`/a`) || Query(`b`))"), at("/a", "/c", "/c?b", "/a?b")),
    "not-not": (ruled("!(!Path(`/a`))"), at("/a", "/b")),
    "matchers-in-other-case": (whole("HOST(`{n}.test`) && path(`/a`) && Pathprefix(`/`)"), at("/a", "/b")),
    "quoted": (ruled('Path("/\\u0061\\x62")'), at("/ab")),
    "quoted-once-more": (ruled(r'PathRegexp("^/[\\w]+$")'), at("/ab", "/a-b")),
    "unreadable": (whole("Host(`{n}.test`) & Path(`/`)"), at("/")),
    "several-values": (whole("Host(`{n}.test`, `x.test`)"), at("/")),
    "no-expression": (whole("Host(`{n}.test`) && PathRegexp(`(`)"), at("/")),
    "look-around": (whole("Host(`{n}.test`) && PathRegexp(`^/(?!a)`)"), at("/b")),
    # Paths: nobody walks around a rule by spelling.
    "spelled": (
        ruled("Path(`/a`)"),
        at(
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
        + at("/a;x", "/a%3Bx", "/a%00", "/a\\", "/%2Fa", "/a#", "/a%20", "/a%3F", "/a%23", "/a%25", "/a\xe9"),
    ),
    "under": (
        ruled("PathPrefix(`/a/`)"),
        at("/a", "/a/", "/a//", "/a/..", "/a/../b", "/%61/x", "/b/../a/x", "/a%2Fx", "/a/%2e%2e/b", "/a/."),
    ),
    "beside": (
        {
            "": {"rule": "Host(`{n}.test`) && PathPrefix(`/admin`)", "priority": 9},
            "-open": {"rule": "Host(`{n}.test`)", "priority": 1},
        },
        at(
            "/admin",
            "/Admin",
            "/%61dmin",
            "//admin",
            "/x/../admin",
            "/admin/../x",
            "/.%2e/admin",
            "/x/%2E%2e//admin",
        )
        + at(
            "/admin%2F..", "/%2561dmin", "/x%2F../admin", "/admin;/x", "/;/admin", "/\\admin", "/./././admin"
        ),
    ),
    "blank": (ruled("Path(`/a b`)"), at("/a%20b", "/a+b", "/a%2Bb")),
    "reserved": (ruled("Path(`/a%2Fb`)"), at("/a%2Fb", "/a%2fb", "/a/b", "/a%252Fb")),
    "reserved-spelled": (
        ruled("Path(`/a%2fb`)"),
        at(
            "/a%2Fb",
        ),
    ),
    "unreserved-spelled": (ruled("Path(`/%61`)"), at("/a")),
    "dots-in-rule": (ruled("Path(`/a/../b`)"), at("/b")),
    "outside-ascii": (ruled("Path(`/\u00e9`)"), at("/%C3%A9", "/%c3%a9", "/\xc3\xa9", "/%E9", "/e")),
    "regexp-spelled": (ruled("PathRegexp(`^/a/b$`)"), at("/a/b", "//a//b", "/%61/b", "/a%2Fb", "/a/./b")),
    # Hosts.
    "dotted-rule": (whole("Host(`{n}.test.`)"), ["{n}.test/", "{n}.test./"]),
    "dotted-regexp": (whole(r"HostRegexp(`^{n}\.test$`)"), ["{n}.test/", "{n}.test:8/", "{n}.test./"]),
    "host-forms": (
        whole("Host(`{n}.test`)"),
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
    "port-in-rule": (whole("Host(`{n}.test:8`)"), ["{n}.test/", "{n}.test:8/"]),
    "v6": (
        whole("Host(`2001:db8::7`)"),
        ["[2001:db8::7]/", "[2001:db8::7]:8/", "[2001:DB8::7]/", "[2001:db8::8]/"],
    ),
    "v6-in-brackets": (whole("Host(`[2001:db8::9]`)"), ["[2001:db8::9]/"]),
    "v4": (whole("Host(`192.0.2.7`)"), ["192.0.2.7/", "192.0.2.7:8/", "192.0.2.70/"]),
    "punycode": (whole("Host(`xn--bcher-kva.{n}`)"), ["xn--bcher-kva.{n}/", "XN--BCHER-KVA.{n}/"]),
    "idna": (whole("Host(`b\u00fccher.{n}`)"), ["xn--bcher-kva.{n}/"]),
    "underscore": (whole("Host(`a_b.{n}`)"), ["a_b.{n}/", "A_B.{n}/"]),
    "several-hosts": (whole("Host(`{n}.test`)"), ["{n}.test,x.test/", "x.test,{n}.test/"]),
    "no-host": (
        whole("Path(`/{n}`)"),
        [
            raw("GET /{n} HTTP/1.0"),
            raw("GET /{n} HTTP/1.1"),
            raw("GET /{n} HTTP/1.1", "Host:"),
            raw("GET /{n} HTTP/1.1", "Host: a", "Host: b"),
        ],
    ),
    "host-without": (
        whole("Host(`{n}.test`)"),
        [raw("GET / HTTP/1.0", "Host: {n}.test"), raw("GET / HTTP/1.0")],
    ),
    "absolute": (
        whole("Host(`{n}.test`)"),
        [
            raw("GET http://{n}.test/x HTTP/1.1", "Host: other"),
            raw("GET http://other/x HTTP/1.1", "Host: {n}.test"),
            raw("GET http://{N}.TEST:8/x HTTP/1.1", "Host: other"),
            raw("GET HTTP://{n}.test HTTP/1.1", "Host: other"),
            raw("GET http://{n}.test?x HTTP/1.1", "Host: other"),
            raw("GET https://{n}.test/x HTTP/1.1", "Host: other"),
            raw("GET ftp://{n}.test/x HTTP/1.1", "Host: other"),
            raw("GET http://a:b@{n}.test/x HTTP/1.1", "Host: other"),
            raw("GET http://other\\@{n}.test/x HTTP/1.1", "Host: other"),
            raw("GET http:///x HTTP/1.1", "Host: {n}.test"),
            raw("GET http://{n}.test/x HTTP/1.0"),
            raw("GET //{n}.test/x HTTP/1.1", "Host: other"),
            raw("GET x HTTP/1.1", "Host: {n}.test"),
        ],
    ),
    # Headers.
    "header-list": (
        ruled("Header(`X-A`, `a, b`)"),
        with_headers(("X-A: a, b",), ("X-A: a,b",), ("X-A: a", "X-A: b"), ("X-A: c", "x-a: a, b")),
    ),
    "header-lines": (ruled("Header(`X-A`, `b`)"), with_headers(("X-A: a", "X-A: b"), ("X-A: a, b",))),
    "header-nothing": (ruled("HeaderRegexp(`X-A`, `^$`)"), with_headers(("X-A:",), ("X-A: \t ",), ())),
    "header-length": (
        ruled("HeaderRegexp(`Content-Length`, `^0$`)"),
        with_headers(("Content-Length: 0",), ()),
    ),
    "header-coding": (
        ruled("HeaderRegexp(`Transfer-Encoding`, `.`)"),
        [raw("POST / HTTP/1.1", "Host: {n}.test", "Transfer-Encoding: chunked", "", "0", "")],
    ),
    "header-connection": (ruled("HeaderRegexp(`Connection`, `.`)"), with_headers(())),
    "header-forwarded": (
        ruled("Header(`X-Forwarded-Proto`, `http`)"),
        with_headers((), ("X-Forwarded-Proto: https",)),
    ),
    "header-host": (ruled("Header(`Host`, `{n}.test`)"), at("/")),
    "header-empty": (ruled("Header(`X-A`, ``)"), with_headers(("X-A:",))),
    # Queries.
    "query-spelled": (
        ruled("Query(`a b`, `c d`)"),
        at("/?a+b=c+d", "/?a%20b=c%20d", "/?%61+b=%63+d", "/?a%2Bb=c+d", "/?a+b=c%2Bd"),
    ),
    "query-forms": (
        ruled("Query(`a`, `b`)"),
        at(
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
        + at("/?a=c&a=b", "/?a%3Db", "/?a=b%00", "/a=b"),
    ),
    "query-outside-ascii": (ruled("Query(`\u00e9`, `\u00fc`)"), at("/?%C3%A9=%C3%BC", "/?%E9=%FC")),
    # Methods and clients.
    "method-small": (ruled("Method(`get`)"), ["GET {n}.test/", "get {n}.test/"]),
    "method-own": (ruled("Method(`BREW`)"), ["BREW {n}.test/", "POST {n}.test/"]),
    "client-v4-as-v6": (ruled("ClientIP(`::ffff:127.0.0.1`)"), at("/")),
    "client-behind-mask": (ruled("ClientIP(`127.0.0.9/8`)"), at("/")),
    "client-claimed": (
        ruled("ClientIP(`192.0.2.7`)"),
        with_headers(("X-Forwarded-For: 192.0.2.7",), ("X-Real-Ip: 192.0.2.7",)),
    ),
    # Traefik 2's language.
    "old-host": (
        whole("Host(`{n}.test`, `{n}.two`)", ruleSyntax="v2"),
        ["{n}.test/", "{n}.two/", "{n}.three/"],
    ),
    "old-path": (
        whole("Host(`{n}.test`) && Path(`/a`, `/b/{id:[0-9]+}`)", ruleSyntax="v2"),
        at("/a", "/a/", "/b/7", "/b/7/", "/b/x"),
    ),
    "old-prefix": (
        whole("Host(`{n}.test`) && PathPrefix(`/a/{x}/b`)", ruleSyntax="v2"),
        at("/a/1/b", "/a/1/bc", "/a/1/2/b", "/a//b"),
    ),
    "old-headers": (
        whole("Host(`{n}.test`) && Headers(`X-A`, `b`) && HeadersRegexp(`X-C`, `^d`)", ruleSyntax="v2"),
        with_headers(("X-A: b", "X-C: de"), ("X-A: b",), ("X-A: B", "X-C: d")),
    ),
    "old-query": (
        whole("Host(`{n}.test`) && Query(`a=b`, `c={d:[0-9]+}`)", ruleSyntax="v2"),
        at("/?a=b&c=1", "/?a=b", "/?a=b&c=x", "/?c=12&a=b"),
    ),
}

BETTER = "values of rules are brought to the form that paths of requests are"
REFUSED = "what is no request is refused before any rule is asked"
DEPARTURES: dict[tuple[str, str], str] = {
    ("spelled", "{n}.test/a/."): "/a/. is /a/, as in RFC 3986; to Traefik it is /a",
    ("under", "{n}.test/a/."): "/a/. is /a/, as in RFC 3986; to Traefik it is /a",
    ("reserved-spelled", "{n}.test/a%2Fb"): BETTER,
    ("unreserved-spelled", "{n}.test/a"): BETTER,
    ("dots-in-rule", "{n}.test/b"): BETTER,
    ("dotted-regexp", "{n}.test./"): "the trailing dot is not seen by expressions either",
    ("port-in-rule", "{n}.test/"): BETTER,
    ("port-in-rule", "{n}.test:8/"): BETTER,
    ("v6-in-brackets", "[2001:db8::9]/"): BETTER,
    ("idna", "xn--bcher-kva.{n}/"): BETTER,
    ("header-host", "{n}.test/"): "Host is a header like others",
    ("header-empty", "{n}.test/"): "an empty value is one; Traefik does not take the rule",
    ("host-any", "/{n}"): REFUSED,
    ("host-forms", "{n}.test:x/"): REFUSED,
    ("host-forms", "{n}.test:8:8/"): REFUSED,
    ("method-small", "get {n}.test/"): REFUSED,
    ("no-host", _head("GET /{n} HTTP/1.1", "Host:")): REFUSED,
    ("absolute", _head("GET ftp://{n}.test/x HTTP/1.1", "Host: other")): REFUSED,
    ("absolute", _head("GET http://a:b@{n}.test/x HTTP/1.1", "Host: other")): REFUSED,
    ("absolute", _head("GET http:///x HTTP/1.1", "Host: {n}.test")): REFUSED,
}
