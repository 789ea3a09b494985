"""The matchers by their names in Traefik 3: their arguments, and the expressions that they become."""

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


class MatcherValueError(ValueError):
    """A value that is invalid for its matcher; `hint` says what would be right, possibly empty.

    `argument` is its index among the matcher's arguments, from 0.
    """

    def __init__(self, message: str, hint: str = "", argument: int = 0) -> None:
        super().__init__(message)
        self.hint = hint
        self.argument = argument


def host(value: str) -> Expression:
    """Return the expression for a host; `*.example.com` matches one further label, `*` every host."""
    try:
        expression = wildcard(value)
        return Match("HostRegexp", (expression,)) if expression else Match("Host", (normalise(value),))
    except HostError as error:
        raise MatcherValueError(str(error), error.hint) from None


def host_regexp(value: str) -> Expression:
    """Return the expression for a regular expression of hosts."""
    if not value.isascii():
        raise MatcherValueError(
            f"{value!r} has characters outside ASCII", "hosts are compared in their xn-- form"
        )
    return Match("HostRegexp", (pattern(value),))


def path(value: str) -> str:
    """Return a literal path, normalised like the paths of requests."""
    if not value.startswith("/"):
        raise MatcherValueError(f"path {value!r} does not start with /", f"write /{value}")
    for mark, matcher in (("?", "Query(`name`, `value`)"), ("#", "")):
        if mark in value:
            hint = f"match a query with {matcher}" if matcher else "servers never receive what follows it"
            raise MatcherValueError(f"path {value!r} has a {mark}, which no path can have", hint)
    return normalise_path(value.encode("utf-8", "surrogatepass"))


def pattern(value: str, argument: int = 0) -> str:
    """Return `value` if RE2 accepts it as a regular expression."""
    try:
        compile_pattern(value)
    except PatternError as error:
        hint = "RE2 has no look-around and no back-references"
        if value.startswith("*"):
            hint = "write .* for any characters"
        raise MatcherValueError(f"{value!r} is no regular expression: {error}", hint, argument) from None
    return value


def method(value: str) -> str:
    """Return a method in upper case."""
    if not _TOKEN.fullmatch(value):
        raise MatcherValueError(f"{value!r} is not a method", "expected a method such as GET")
    return value.upper()


def network(value: str) -> str:
    """Return an address or network in CIDR notation, without host bits, as in Traefik.

    An IPv4-mapped IPv6 network becomes an IPv4 network, like the addresses of clients.
    """
    try:
        found = ip_network(value.strip(), strict=False)
    except ValueError:
        raise MatcherValueError(
            f"{value!r} is neither an address nor a network", "expected 10.0.0.0/8"
        ) from None
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    if mapped is not None and found.prefixlen >= _MAPPED:
        return f"{mapped}/{found.prefixlen - _MAPPED}"
    return str(found)


def header_name(value: str) -> str:
    """Return the name of a header in lower case."""
    if not _TOKEN.fullmatch(value):
        raise MatcherValueError(f"{value!r} is not the name of a header")
    return value.lower()


def _query_regexp(*values: str) -> Expression:
    if len(values) == 1:
        return Keyed("Query", values[0], ("",))
    return Keyed("QueryRegexp", values[0], (pattern(values[1], 1),))


class Matcher:
    """A matcher's numbers of arguments, and the function that makes an expression of them.

    `build` raises MatcherValueError.
    """

    def __init__(self, build: Callable[..., Expression], *counts: int, many: bool = False) -> None:
        """Without `counts` a matcher takes one argument, or with `many` one or more."""
        self.build = build
        self.counts = counts or (1,)
        self.many = many

    def takes(self, count: int) -> bool:
        """Return whether the matcher takes this number of arguments."""
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
"""The matchers of Traefik 3."""
