"""Finds the hosts and paths that a rule can match, as keys for the index of the routing table.

The result may be too large, never too small: outside these hosts and paths the rule cannot match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import reduce
from typing import NamedTuple, TypeVar

from rondpoint.rules.expression import And, Expression, Match, Or
from rondpoint.rules.tree import conjunction

T = TypeVar("T")

_NONE: frozenset[str] = frozenset()

# The literal characters at the start of every match of an expression. A character before a quantifier may be
# absent, and alternatives or flags may change the meaning of the start.
_PLAIN_START = re.compile(r"\^((?:[A-Za-z0-9/_-](?![*?+{]))+)")
_NOT_PLAIN = re.compile(r"\||\(\?")


class Hosts(NamedTuple):
    """The hosts with these names, and those that one of the regular expressions matches."""

    names: frozenset[str] = _NONE
    patterns: frozenset[str] = _NONE


class Paths(NamedTuple):
    """The paths in `exact`, and those that begin with one of the prefixes."""

    exact: frozenset[str] = _NONE
    prefixes: frozenset[str] = _NONE


def hosts_of(expression: Expression) -> Hosts | None:
    """Return the only hosts that the rule can match; None if it does not restrict them."""
    match expression:
        case Match("Host", values):
            return Hosts(names=frozenset(values))
        case Match("HostRegexp", values):
            return Hosts(patterns=frozenset(values))
        case And(items):
            known = [hosts for hosts in map(hosts_of, items) if hosts is not None]
            named = [hosts.names for hosts in known if not hosts.patterns]
            if named:
                return Hosts(names=frozenset.intersection(*named))
            return min(known, key=lambda hosts: len(hosts.patterns), default=None)
        case Or(items):
            return _all_or_none(map(hosts_of, items), _unite_hosts)
    return None


def remaining_expression(expression: Expression) -> Expression | None:
    """Return the part of a rule left to test on a host from `hosts_of`; None if nothing is left."""
    match expression:
        case Match("Host" | "HostRegexp"):
            return None
        case And(items):
            hosts = hosts_of(expression)
            if hosts is None:
                return expression
            left = [item for item in items if not _implied_by(hosts, item)]
            return conjunction(left) if left else None
    return expression


def paths_of(expression: Expression) -> Paths | None:
    """Return the only paths that the rule can match; None if it allows all or nearly all."""
    match expression:
        case Match("Path", values):
            return Paths(exact=frozenset(values))
        case Match("PathPrefix", values):
            return _prefix_paths(values)
        case Match("PathRegexp", values):
            return _prefix_paths(map(_plain_start, values))
        case And(items):
            known = [paths for paths in map(paths_of, items) if paths is not None]
            return max(known, key=_narrowness, default=None)
        case Or(items):
            return _all_or_none(map(paths_of, items), _unite_paths)
    return None


def _implied_by(hosts: Hosts, item: Expression) -> bool:
    if not isinstance(item, Match):
        return False
    if hosts.patterns:
        return item.kind == "HostRegexp" and frozenset(item.values) == hosts.patterns
    return item.kind == "Host"


def _unite_hosts(one: Hosts, other: Hosts) -> Hosts:
    return Hosts(one.names | other.names, one.patterns | other.patterns)


def _unite_paths(one: Paths, other: Paths) -> Paths:
    return Paths(one.exact | other.exact, one.prefixes | other.prefixes)


def _all_or_none(known: Iterable[T | None], either: Callable[[T, T], T]) -> T | None:
    found = list(known)
    sets = [each for each in found if each is not None]
    return reduce(either, sets) if len(sets) == len(found) else None


def _prefix_paths(values: Iterable[str]) -> Paths | None:
    prefixes = frozenset(values)
    # Every path begins with a slash.
    return None if prefixes & {"", "/"} else Paths(prefixes=prefixes)


def _narrowness(paths: Paths) -> int:
    return min(map(len, paths.prefixes), default=1 << 30)


def _plain_start(pattern: str) -> str:
    found = _PLAIN_START.match(pattern)
    return found[1] if found and not _NOT_PLAIN.search(pattern) else ""
