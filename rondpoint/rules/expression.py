"""The expression tree that both rule languages are parsed to.

It travels through Redis as nested JSON arrays, for instance
`["and", [["match", "Host", ["a.test"]], ["match", "PathPrefix", ["/api"]]]]`.

None of this can refer to itself, so the collector of cycles need not go through every rule there is.
"""

from __future__ import annotations

from msgspec import Struct


class Match(Struct, frozen=True, tag="match", array_like=True, gc=False):
    """A matcher holds when *one* of its values does.

    `kind` is the matcher's name in Traefik 3 spelling: `Host`, `HostRegexp`, `Path`, `PathPrefix`,
    `PathRegexp`, `Method`, `ClientIP`. Values of `Host` are in lower case, without port and trailing dot.
    """

    kind: str
    values: tuple[str, ...]


class Keyed(Struct, frozen=True, tag="keyed", array_like=True, gc=False):
    """A matcher on what is found under `key`: holds when *one* of its values does.

    `kind` is `Header`, `HeaderRegexp`, `Query` or `QueryRegexp`; keys of headers are in lower case.
    """

    kind: str
    key: str
    values: tuple[str, ...]


class And(Struct, frozen=True, tag="and", array_like=True, gc=False):
    """Holds when every item does; at least two items."""

    items: tuple[Expression, ...]


class Or(Struct, frozen=True, tag="or", array_like=True, gc=False):
    """Holds when one item does; at least two items."""

    items: tuple[Expression, ...]


class Not(Struct, frozen=True, tag="not", array_like=True, gc=False):
    """Holds when its item does not."""

    item: Expression


Expression = Match | Keyed | And | Or | Not


class Rule(Struct, frozen=True, gc=False):
    """A rule as its author wrote it, and what it means."""

    text: str
    expression: Expression
