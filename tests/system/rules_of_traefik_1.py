"""Every rule and modifier of Traefik 1.7's documentation, with requests and what a server gets of them.

In rules and requests {n} stands for the row's name, and `{n}.test` is its host unless its rules name others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PREFIX, REPLACED = "X-Forwarded-Prefix", "X-Replaced-Path"


@dataclass(frozen=True, slots=True)
class Sent:
    """`METHOD host/target` with header lines; without a method it is GET."""

    line: str
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Got:
    """The target that the server is asked for, and which of PREFIX and REPLACED it is told."""

    target: str
    told: dict[str, str] = field(default_factory=dict)


Asked = dict[str | Sent, Got | None]
"""What is sent, and what the server gets; None where no router takes it."""


@dataclass(frozen=True, slots=True)
class Row:
    """`rules` are the routes of one frontend, `priority` its own where it has one."""

    rules: tuple[str, ...]
    asked: Asked
    priority: int = 0


def of_host(rule: str, held: dict[str, Got], *not_held: str) -> Row:
    """Targets of the row's host; the rule has a route for that host beside it."""
    asked: Asked = {f"{{n}}.test{target}": got for target, got in held.items()}
    return Row(("Host:{n}.test", rule), asked | {f"{{n}}.test{target}": None for target in not_held})


def same(*targets: str) -> dict[str, Got]:
    """Targets that reach the server as they are sent."""
    return {target: Got(target) for target in targets}


def with_headers(rule: str, held: list[tuple[str, ...]], not_held: list[tuple[str, ...]]) -> Row:
    asked: Asked = {Sent("{n}.test/", lines): Got("/") for lines in held}
    return Row(("Host:{n}.test", rule), asked | {Sent("{n}.test/", lines): None for lines in not_held})


def strip(prefix: str, target: str) -> Got:
    return Got(target, {PREFIX: prefix})


def replace(path: str, target: str) -> Got:
    return Got(target, {REPLACED: path})


ROWS = {
    # Modifiers.
    "add-prefix": of_host("AddPrefix: /shop", {"/a?b=c": Got("/shop/a?b=c"), "/": Got("/shop/")}),
    "replace-path": of_host("ReplacePath: /run", {"/a/b?c=d": replace("/a/b", "/run?c=d")}),
    "replace-path-regex": of_host(
        "ReplacePathRegex: ^/old/v2/(.*) /new/$1",
        {"/old/v2/a?b": replace("/old/v2/a", "/new/a?b"), "/old/v1/a": Got("/old/v1/a")},
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
            "{n}.test/": Got("/"),
            "www.{n}.TEST:81/a": Got("/a"),
            "{n}.test./": Got("/"),
            "a.{n}.test/": None,
        },
    ),
    "host-regexp": Row(
        ("HostRegexp: {n}.test, {sub:[a-z]+}.{n}.test",),
        {
            "{n}.test/": Got("/"),
            "abc.{n}.test/": Got("/"),
            "ABC.{n}.test/": Got("/"),
            "a1.{n}.test/": None,
            "a.b.{n}.test/": None,
            "x{n}.test/": None,
        },
    ),
    "host-regexp-group": Row(
        ("HostRegexp:{sub:(one\\.)?{n}\\.test}",),
        {"one.{n}.test/": Got("/"), "{n}.test/": Got("/"), "oneu{n}.test/": None, "{n}utest/": None},
    ),
    "method": Row(
        ("Host:{n}.test;Method: GET, POST, PUT",),
        {"{n}.test/": Got("/"), "PUT {n}.test/": Got("/"), "DELETE {n}.test/": None},
    ),
    "path": of_host(
        "Path: /goods/, /books/{kind}/{id:[0-9]+}",
        same("/goods/", "/goods/?a", "/books/new/12"),
        *("/goods/a", "/books/new/x", "/books/a/b/1", "/books/new/12/a", "/Goods/"),
    ),
    "path-strip": of_host("PathStrip: /goods/", {"/goods/": strip("/goods/", "/")}, "/goods/a"),
    "path-strip-regex": of_host(
        "PathStripRegex: /books/{kind}/{id:[0-9]+}",
        {"/books/new/12?a": strip("/books/new/12", "/?a")},
        *("/books/new/12/a", "/books/new/x"),
    ),
    "path-prefix": of_host(
        "PathPrefix: /goods/, /books/{kind}/{id:[0-9]+}",
        same("/goods/", "/goods/a/b", "/books/new/12", "/books/new/12/a"),
        *("/goods", "/books/new/x", "/a/goods/"),
    ),
    "path-prefix-strip": of_host(
        "PathPrefixStrip: /goods/",
        {"/goods/": strip("/goods/", "/"), "/goods/a/b?c": strip("/goods/", "/a/b?c")},
        *("/goods", "/a"),
    ),
    "path-prefix-strip-regex": of_host(
        "PathPrefixStripRegex: /books/{kind}/{id:[0-9]+}",
        {
            "/books/new/12": strip("/books/new/12", "/"),
            "/books/new/12/a?b": strip("/books/new/12", "/a?b"),
        },
        "/books/new/x",
    ),
    "query": of_host(
        "Query: a=b, c=d",
        same("/?a=b&c=d", "/x?c=d&e=f&a=b"),
        *("/?a=b", "/?c=d", "/?a=d&c=b", "/"),
    ),
    "query-pattern": of_host("Query:a={b:[0-9]+}", same("/?a=12"), "/?a=x", "/?a=1x", "/?a="),
    "query-any": of_host("Query:a=", same("/?a=b", "/?a="), "/?b=a"),
    # Guidelines for paths.
    "exact": of_host("Path: /goods", same("/goods"), "/goods/a"),
    "base": of_host("PathPrefix: /goods", same("/goods", "/goods/a", "/goods/a/b", "/goodsx"), "/good"),
    "root": of_host(
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
        {"{n}.test/": Got("/"), "two.{n}.test/": Got("/"), "one.{n}.test/": None},
    ),
    "host-and-path": Row(
        ("Host:{n}.test;Path:/a",),
        {"{n}.test/a": Got("/a"), "{n}.test/b": None, "other.test/a": None},
    ),
    "two-routes": Row(
        ("Host:{n}.test", "Path:/a"),
        {"{n}.test/a": Got("/a"), "{n}.test/b": None, "other.test/a": None},
    ),
    "two-paths": of_host("Path:/a,/b", same("/a", "/b"), "/c"),
    "path-and-method": Row(
        ("Host:{n}.test", "Path:/a", "Method:GET"),
        {"{n}.test/a": Got("/a"), "POST {n}.test/a": None},
    ),
    # The order of modifiers, whatever the order written.
    "strip-and-add": of_host(
        "AddPrefix:/new;PathPrefixStrip:/old", {"/old/a": Got("/new/a", {PREFIX: "/old"})}, "/new/a"
    ),
    "strip-by-pattern-and-add": of_host(
        "AddPrefix:/new;PathPrefixStripRegex:/v{v:[0-9]}", {"/v1/a": Got("/new/a", {PREFIX: "/v1"})}
    ),
    "strip-add-replace": of_host(
        "ReplacePath:/run;AddPrefix:/new;PathPrefixStrip:/old",
        {"/old/a?b": Got("/run?b", {PREFIX: "/old", REPLACED: "/new/a"})},
    ),
    "strip-add-replace-pattern": of_host(
        "ReplacePathRegex:^/new/(.*) /run/$1;AddPrefix:/new;PathStrip:/old",
        {"/old": Got("/run/", {PREFIX: "/old", REPLACED: "/new/"})},
    ),
    "add-and-replace-pattern-and-path": of_host(
        "ReplacePath:/run;ReplacePathRegex:^/new/(.*) /other/$1;AddPrefix:/new",
        {"/a": Got("/run", {REPLACED: "/other/a"})},
    ),
    "longest-first": of_host(
        "PathPrefixStrip:/a,/a/b", {"/a/b/c": strip("/a/b", "/c"), "/a/c": strip("/a", "/c")}
    ),
    "only-changed": of_host("PathPrefix:/;AddPrefix:/p", {"/a": Got("/p/a"), "/": Got("/p/")}),
    "exact-or-all": of_host("Path:/a;PathPrefix:/", same("/a"), "/b"),
    "never": of_host("Path:/a;PathPrefix:/b", {}, "/a", "/b"),
    # As written: blanks, colons, commas, empty parts, equals signs.
    "blanks": Row(("  Host :  {n}.test ,two.{n}.test ; Path : /a  ",), {"two.{n}.test/a": Got("/a")}),
    "colons": of_host("Path:/a:b", same("/a:b"), "/a"),
    "empty-parts": of_host(";PathPrefix:/a,,;", same("/a")),
    "equals": of_host("Query:a=b=c", same("/?a=b=c"), "/?a=b"),
    "escaped": of_host(
        "PathPrefixStrip:/a b",
        {"/a%20b/c%2Fd": strip("/a%20b", "/c%2Fd")},
        "/a+b",
    ),
    "spelled": of_host(
        "PathPrefixStrip:/goods",
        {"/%67oods/a": strip("/%67oods", "/a"), "/x/../goods/a": strip("/goods", "/a")},
    ),
}

TIES = [
    # Rules with priorities, a path, the one that serves: the longest, unless the frontend says otherwise.
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
