"""The matchers of both rule languages, by their names in Traefik 3: what they take, and what it comes to."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Network, ip_network

from rondpoint.rules.expression import Expression, Keyed, Match
from rondpoint.rules.hosts import HostError, normalise, wildcard
from rondpoint.rules.patterns import PatternError, compile_pattern
from rondpoint.rules.request_normalisation import normalise_path

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MAPPED = 96


class ValueFault(ValueError):  # noqa: N818 - RuleError is the error; this is how it begins
    """A value that its matcher cannot take; `hint` says what it can, possibly empty.

    `argument` is its place among the matcher's arguments, from 0.
    """

    def __init__(self, message: str, hint: str = "", argument: int = 0) -> None:
        super().__init__(message)
        self.hint = hint
        self.argument = argument


def host(value: str) -> Expression:
    """A literal host; `*.example.com` is one label more, `*` every host."""
    try:
        expression = wildcard(value)
        return Match("HostRegexp", (expression,)) if expression else Match("Host", (normalise(value),))
    except HostError as error:
        raise ValueFault(str(error), error.hint) from None


def host_regexp(value: str) -> Expression:
    if not value.isascii():
        raise ValueFault(f"{value!r} has characters outside ASCII", "hosts are compared in their xn-- form")
    return Match("HostRegexp", (pattern(value),))


def path(value: str) -> str:
    """A literal path, in the form that paths of requests are given too."""
    if not value.startswith("/"):
        raise ValueFault(f"path {value!r} does not start with /", f"write /{value}")
    for mark, matcher in (("?", "Query(`name`, `value`)"), ("#", "")):
        if mark in value:
            hint = f"a query is matched by {matcher}" if matcher else "servers never see what follows it"
            raise ValueFault(f"path {value!r} has a {mark}, which no path can", hint)
    return normalise_path(value.encode("utf-8", "surrogatepass"))


def pattern(value: str, argument: int = 0) -> str:
    """A regular expression that RE2 takes."""
    try:
        compile_pattern(value)
    except PatternError as error:
        hint = "expressions are RE2's: no look-around, no back-references"
        if value.startswith("*"):
            hint = "any characters are .*"
        raise ValueFault(f"{value!r} is no regular expression: {error}", hint, argument) from None
    return value


def method(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueFault(f"{value!r} is not a method", "expected one such as GET")
    return value.upper()


def network(value: str) -> str:
    """An address or a network in CIDR notation; bits behind the mask are let go, as Traefik does.

    IPv4 written as IPv6 is IPv4, as clients are.
    """
    try:
        found = ip_network(value.strip(), strict=False)
    except ValueError:
        raise ValueFault(f"{value!r} is neither an address nor a network", "expected 10.0.0.0/8") from None
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    if mapped is not None and found.prefixlen >= _MAPPED:
        return f"{mapped}/{found.prefixlen - _MAPPED}"
    return str(found)


def header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueFault(f"{value!r} is not the name of a header")
    return value.lower()


def _query_regexp(*values: str) -> Expression:
    if len(values) == 1:
        return Keyed("Query", values[0], ("",))
    return Keyed("QueryRegexp", values[0], (pattern(values[1], 1),))


class Matcher:
    """How many arguments a matcher takes, and how they become an expression. `build` raises ValueFault."""

    def __init__(self, build: Callable[..., Expression], *counts: int, many: bool = False) -> None:
        """`counts` is one argument unless told, or, with `many`, one and more."""
        self.build = build
        self.counts = counts or (1,)
        self.many = many

    def takes(self, count: int) -> bool:
        return count in self.counts or (self.many and count > 0)


MATCHERS: dict[str, Matcher] = {
    "ClientIP": Matcher(lambda value: Match("ClientIP", (network(value),))),
    "Header": Matcher(lambda name, value: Keyed("Header", header_name(name), (value,)), 2),
    "HeaderRegexp": Matcher(
        lambda name, value: Keyed("HeaderRegexp", header_name(name), (pattern(value, 1),)), 2
    ),
    "Host": Matcher(host),
    "HostRegexp": Matcher(host_regexp),
    "Method": Matcher(lambda value: Match("Method", (method(value),))),
    "Path": Matcher(lambda value: Match("Path", (path(value),))),
    "PathPrefix": Matcher(lambda value: Match("PathPrefix", (path(value),))),
    "PathRegexp": Matcher(lambda value: Match("PathRegexp", (pattern(value),))),
    "Query": Matcher(lambda name, value="": Keyed("Query", name, (value,)), 1, 2),
    "QueryRegexp": Matcher(_query_regexp, 1, 2),
}
"""Traefik 3's own."""
