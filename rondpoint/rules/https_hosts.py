"""The hosts for which an HTTP router over TLS comes before TCP routers.

The proxy decides by them, and `rondpoint explain` says how it decides, so both read rules here.
"""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.rules.expression import And, Expression, Match, Not, Or
from rondpoint.rules.hosts import wildcard_of_pattern


def https_hosts(expression: Expression) -> Iterator[str]:
    """Yield all hosts in a rule, wildcards too. As in Traefik, those in a negation count as well."""
    match expression:
        case Match("Host", values):
            yield from values
        case Match("HostRegexp", values):
            for value in values:
                if (name := wildcard_of_pattern(value)) is not None:
                    yield name
        case And(items) | Or(items):
            for item in items:
                yield from https_hosts(item)
        case Not(item):
            yield from https_hosts(item)
