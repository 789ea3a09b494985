"""What a rule demands at least of host and path, so that routers can be found without trying them all."""

from __future__ import annotations

from msgspec import Struct

from rondpoint.rules.expression import And, Expression, Match, Or


class Paths(Struct, frozen=True):
    """The path is one of `exact`, or begins with one of `prefixes`."""

    exact: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


def literal_hosts(expression: Expression) -> frozenset[str] | None:
    """The hosts outside of which the rule cannot hold; None where it names no such set."""
    match expression:
        case Match(kind="Host", values=values):
            return frozenset(values)
        case And(items=items):
            known = [hosts for hosts in map(literal_hosts, items) if hosts is not None]
            return frozenset.intersection(*known) if known else None
        case Or(items=items):
            every = [literal_hosts(item) for item in items]
            sets = [hosts for hosts in every if hosts is not None]
            return frozenset.union(*sets) if len(sets) == len(every) else None
    return None


def host_patterns(expression: Expression) -> tuple[str, ...] | None:
    """Expressions of which the host must meet one; None where there are none."""
    match expression:
        case Match(kind="HostRegexp", values=values):
            return values
        case And(items=items):
            return next((found for found in map(host_patterns, items) if found is not None), None)
    return None


def literal_paths(expression: Expression) -> Paths | None:
    """The paths outside of which the rule cannot hold; None where it names none."""
    match expression:
        case Match(kind="Path", values=values):
            return Paths(exact=values)
        case Match(kind="PathPrefix", values=values):
            return Paths(prefixes=values)
        case And(items=items):
            # One is enough, since the whole rule is tried on what it finds: the one that finds least.
            found = [paths for paths in map(literal_paths, items) if paths is not None]
            return max(found, key=_strictness, default=None)
        case Or(items=items):
            every = [literal_paths(item) for item in items]
            known = [paths for paths in every if paths is not None]
            if len(known) < len(every):
                return None
            return Paths(
                tuple(path for paths in known for path in paths.exact),
                tuple(path for paths in known for path in paths.prefixes),
            )
    return None


def _strictness(paths: Paths) -> int:
    return min((len(prefix) for prefix in paths.prefixes), default=1 << 20)
