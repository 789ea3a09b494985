"""Every rule and modifier of Traefik 1.7's documentation, with requests and the requests that a server gets.

In rules and requests, {n} stands for the row's name; `{n}.test` is its host unless its rules name others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PREFIX, REPLACED = "X-Forwarded-Prefix", "X-Replaced-Path"


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A client's request: `METHOD host/target` with header lines; the default method is GET."""

    line: str
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerRequest:
    """A server's request: its target, and the headers PREFIX and REPLACED that it has."""

    target: str
    headers: dict[str, str] = field(default_factory=dict)


Expectations = dict[str | ClientRequest, ServerRequest | None]
"""The server's requests by the client's requests; None if no router matches."""


@dataclass(frozen=True, slots=True)
class Row:
    """A frontend with the rules of its routes, an optional priority, and the expected requests."""

    rules: tuple[str, ...]
    expected: Expectations
    priority: int = 0


def host_row(rule: str, matched: dict[str, ServerRequest], *unmatched: str) -> Row:
    """Return a row with one route for its host, one with the rule, and the targets that match or not."""
    expected: Expectations = {f"{{n}}.test{target}": request for target, request in matched.items()}
    return Row(("Host:{n}.test", rule), expected | {f"{{n}}.test{target}": None for target in unmatched})


def unchanged(*targets: str) -> dict[str, ServerRequest]:
    """Return targets that the server gets as they are sent."""
    return {target: ServerRequest(target) for target in targets}


def with_headers(rule: str, matched: list[tuple[str, ...]], unmatched: list[tuple[str, ...]]) -> Row:
    expected: Expectations = {ClientRequest("{n}.test/", lines): ServerRequest("/") for lines in matched}
    return Row(
        ("Host:{n}.test", rule), expected | {ClientRequest("{n}.test/", lines): None for lines in unmatched}
    )


def strip(prefix: str, target: str) -> ServerRequest:
    return ServerRequest(target, {PREFIX: prefix})


def replace(path: str, target: str) -> ServerRequest:
    return ServerRequest(target, {REPLACED: path})


ROWS = {
    # Modifiers.
    "add-prefix": host_row(
        "AddPrefix: /shop", {"/a?b=c": ServerRequest("/shop/a?b=c"), "/": ServerRequest("/shop/")}
    ),
    "replace-path": host_row("ReplacePath: /run", {"/a/b?c=d": replace("/a/b", "/run?c=d")}),
    "replace-path-regex": host_row(
        "ReplacePathRegex: ^/old/v2/(.*) /new/$1",
        {"/old/v2/a?b": replace("/old/v2/a", "/new/a?b"), "/old/v1/a": ServerRequest("/old/v1/a")},
    ),
    # Matchers, in the order of the documentation.
    "headers": with_headers(
        "Headers: X-Kind, a/b", [("X-Kind: a/b",), ("x-kind:a/b",)], [("X-Kind: a/bc",), ()]
    ),
    "headers-pairs": with_headers(
        "Headers:X-A,1,X-B,2", [("X-A: 1", "X-B: 2")], [("X-A: 1",), ("X-B: 2",), ("X-A: 2", "X-B: 1")]
    ),
    "headers-regexp": with_headers(
        "HeadersRegexp: X-Kind, a/(b|c)", [("X-Kind: a/b",), ("X-Kind: xa/cx",)], [("X-Kind: a/d",), ()]
    ),
    "host": Row(
        ("Host: {n}.test, WWW.{n}.test",),
        {
            "{n}.test/": ServerRequest("/"),
            "www.{n}.TEST:81/a": ServerRequest("/a"),
            "{n}.test./": ServerRequest("/"),
            "a.{n}.test/": None,
        },
    ),
    "host-regexp": Row(
        ("HostRegexp: {n}.test, {sub:[a-z]+}.{n}.test",),
        {
            "{n}.test/": ServerRequest("/"),
            "abc.{n}.test/": ServerRequest("/"),
            "ABC.{n}.test/": ServerRequest("/"),
            "a1.{n}.test/": None,
            "a.b.{n}.test/": None,
            "x{n}.test/": None,
        },
    ),
    "host-regexp-group": Row(
        ("HostRegexp:{sub:(one\\.)?{n}\\.test}",),
        {
            "one.{n}.test/": ServerRequest("/"),
            "{n}.test/": ServerRequest("/"),
            "oneu{n}.test/": None,
            "{n}utest/": None,
        },
    ),
    "method": Row(
        ("Host:{n}.test;Method: GET, POST, PUT",),
        {"{n}.test/": ServerRequest("/"), "PUT {n}.test/": ServerRequest("/"), "DELETE {n}.test/": None},
    ),
    "path": host_row(
        "Path: /goods/, /books/{kind}/{id:[0-9]+}",
        unchanged("/goods/", "/goods/?a", "/books/new/12"),
        *("/goods/a", "/books/new/x", "/books/a/b/1", "/books/new/12/a", "/Goods/"),
    ),
    "path-strip": host_row("PathStrip: /goods/", {"/goods/": strip("/goods/", "/")}, "/goods/a"),
    "path-strip-regex": host_row(
        "PathStripRegex: /books/{kind}/{id:[0-9]+}",
        {"/books/new/12?a": strip("/books/new/12", "/?a")},
        *("/books/new/12/a", "/books/new/x"),
    ),
    "path-prefix": host_row(
        "PathPrefix: /goods/, /books/{kind}/{id:[0-9]+}",
        unchanged("/goods/", "/goods/a/b", "/books/new/12", "/books/new/12/a"),
        *("/goods", "/books/new/x", "/a/goods/"),
    ),
    "path-prefix-strip": host_row(
        "PathPrefixStrip: /goods/",
        {"/goods/": strip("/goods/", "/"), "/goods/a/b?c": strip("/goods/", "/a/b?c")},
        *("/goods", "/a"),
    ),
    "path-prefix-strip-regex": host_row(
        "PathPrefixStripRegex: /books/{kind}/{id:[0-9]+}",
        {
            "/books/new/12": strip("/books/new/12", "/"),
            "/books/new/12/a?b": strip("/books/new/12", "/a?b"),
        },
        "/books/new/x",
    ),
    "query": host_row(
        "Query: a=b, c=d",
        unchanged("/?a=b&c=d", "/x?c=d&e=f&a=b"),
        *("/?a=b", "/?c=d", "/?a=d&c=b", "/"),
    ),
    "query-pattern": host_row("Query:a={b:[0-9]+}", unchanged("/?a=12"), "/?a=x", "/?a=1x", "/?a="),
    "query-any": host_row("Query:a=", unchanged("/?a=b", "/?a="), "/?b=a"),
    # Guidelines for paths.
    "exact": host_row("Path: /goods", unchanged("/goods"), "/goods/a"),
    "base": host_row("PathPrefix: /goods", unchanged("/goods", "/goods/a", "/goods/a/b", "/goodsx"), "/good"),
    "root": host_row(
        "PathPrefixStrip: /goods",
        {
            "/goods": strip("/goods", "/"),
            "/goods/a": strip("/goods", "/a"),
            "/goods/a/b.png": strip("/goods", "/a/b.png"),
        },
        "/good",
    ),
    "namespaced": Row(
        ("Host:{n}.test;PathPrefixStrip:/a",),
        {"{n}.test/a/b": strip("/a", "/b"), "other.test/a/b": None, "{n}.test/b": None},
    ),
    # Examples of frontends.
    "two-hosts": Row(
        ("Host:{n}.test,two.{n}.test",),
        {"{n}.test/": ServerRequest("/"), "two.{n}.test/": ServerRequest("/"), "one.{n}.test/": None},
    ),
    "host-and-path": Row(
        ("Host:{n}.test;Path:/a",),
        {"{n}.test/a": ServerRequest("/a"), "{n}.test/b": None, "other.test/a": None},
    ),
    "two-routes": Row(
        ("Host:{n}.test", "Path:/a"),
        {"{n}.test/a": ServerRequest("/a"), "{n}.test/b": None, "other.test/a": None},
    ),
    "two-paths": host_row("Path:/a,/b", unchanged("/a", "/b"), "/c"),
    "path-and-method": Row(
        ("Host:{n}.test", "Path:/a", "Method:GET"),
        {"{n}.test/a": ServerRequest("/a"), "POST {n}.test/a": None},
    ),
    # Modifiers apply in a fixed order, not in the written order.
    "strip-and-add": host_row(
        "AddPrefix:/new;PathPrefixStrip:/old", {"/old/a": ServerRequest("/new/a", {PREFIX: "/old"})}, "/new/a"
    ),
    "strip-by-pattern-and-add": host_row(
        "AddPrefix:/new;PathPrefixStripRegex:/v{v:[0-9]}", {"/v1/a": ServerRequest("/new/a", {PREFIX: "/v1"})}
    ),
    "strip-add-replace": host_row(
        "ReplacePath:/run;AddPrefix:/new;PathPrefixStrip:/old",
        {"/old/a?b": ServerRequest("/run?b", {PREFIX: "/old", REPLACED: "/new/a"})},
    ),
    "strip-add-replace-pattern": host_row(
        "ReplacePathRegex:^/new/(.*) /run/$1;AddPrefix:/new;PathStrip:/old",
        {"/old": ServerRequest("/run/", {PREFIX: "/old", REPLACED: "/new/"})},
    ),
    "add-and-replace-pattern-and-path": host_row(
        "ReplacePath:/run;ReplacePathRegex:^/new/(.*) /other/$1;AddPrefix:/new",
        {"/a": ServerRequest("/run", {REPLACED: "/other/a"})},
    ),
    "longest-first": host_row(
        "PathPrefixStrip:/a,/a/b", {"/a/b/c": strip("/a/b", "/c"), "/a/c": strip("/a", "/c")}
    ),
    "only-changed": host_row(
        "PathPrefix:/;AddPrefix:/p", {"/a": ServerRequest("/p/a"), "/": ServerRequest("/p/")}
    ),
    "exact-or-all": host_row("Path:/a;PathPrefix:/", unchanged("/a"), "/b"),
    "never": host_row("Path:/a;PathPrefix:/b", {}, "/a", "/b"),
    # Unusual spellings: blanks, colons, commas, empty parts, equals signs.
    "blanks": Row(
        ("  Host :  {n}.test ,two.{n}.test ; Path : /a  ",), {"two.{n}.test/a": ServerRequest("/a")}
    ),
    "colons": host_row("Path:/a:b", unchanged("/a:b"), "/a"),
    "empty-parts": host_row(";PathPrefix:/a,,;", unchanged("/a")),
    "equals": host_row("Query:a=b=c", unchanged("/?a=b=c"), "/?a=b"),
    "escaped": host_row(
        "PathPrefixStrip:/a b",
        {"/a%20b/c%2Fd": strip("/a%20b", "/c%2Fd")},
        "/a+b",
    ),
    "spelled": host_row(
        "PathPrefixStrip:/goods",
        {"/%67oods/a": strip("/%67oods", "/a"), "/x/../goods/a": strip("/goods", "/a")},
    ),
}

TIES = [
    # Rules with priorities, a path, and the matching rule: the longest, unless a frontend has a priority.
    ([("PathPrefix:/ale;Host:{n}.test", 0), ("Host:{n}.test", 0)], "/alehouse", 0),
    (
        [("PathPrefix:/ale,/inn;Host:{n}.test", 0), ("PathPrefixStrip:/alehouse;Host:{n}.test", 0)],
        "/alehouse",
        1,
    ),
    ([("Host:{n}.test;PathPrefix:/sea", 10), ("Host:{n}.test;PathPrefix:/seaside", 0)], "/seaside", 1),
    ([("Host:{n}.test;PathPrefix:/sea", 40), ("Host:{n}.test;PathPrefix:/seaside", 0)], "/seaside", 0),
    ([("Host:{n}.test;PathPrefix:/sea", 5), ("Host:{n}.test;PathPrefix:/seaside", 10)], "/seaside", 1),
]
