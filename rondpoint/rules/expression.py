"""The expression tree to which all rule languages are parsed.

In Redis it is stored as nested JSON arrays, for instance
`["and", [["match", "Host", ["a.test"]], ["match", "PathPrefix", ["/api"]]]]`.

No node can refer to itself, so the garbage collector need not track them (`gc=False`).
"""

from __future__ import annotations

from msgspec import Struct


class Match(Struct, frozen=True, tag="match", array_like=True, gc=False):
    """A matcher; it matches if *one* of its values does.

    `kind` is the matcher's name in Traefik 3 spelling: `Host`, `HostRegexp`, `Path`, `PathPrefix`,
    `PathRegexp`, `Method`, `ClientIP`. Values of `Host` are in lower case, without port and trailing dot.
    """

    kind: str
    values: tuple[str, ...]


class Keyed(Struct, frozen=True, tag="keyed", array_like=True, gc=False):
    """A matcher on the request's values under `key`; it matches if *one* of its own values does.

    `kind` is `Header`, `HeaderRegexp`, `Query` or `QueryRegexp`; keys of headers are in lower case.
    """

    kind: str
    key: str
    values: tuple[str, ...]


class And(Struct, frozen=True, tag="and", array_like=True, gc=False):
    """A conjunction of at least two items; it matches if every item does."""

    items: tuple[Expression, ...]


class Or(Struct, frozen=True, tag="or", array_like=True, gc=False):
    """A disjunction of at least two items; it matches if one item does."""

    items: tuple[Expression, ...]


class Not(Struct, frozen=True, tag="not", array_like=True, gc=False):
    """A negation; it matches if its item does not."""

    item: Expression


Expression = Match | Keyed | And | Or | Not


class Rule(Struct, frozen=True, gc=False):
    """A rule as its author wrote it, and its parsed expression."""

    text: str
    expression: Expression
