"""The rule language of Traefik 1, for instance `Host:a.test,b.test;PathPrefixStrip:/api`.

All matchers, separated by `;`, must match. One of the values of a matcher, separated by `,`, must match; for
`Headers`, `HeadersRegexp` and `Query` all of them must. The name ends at the first `:`; further ones belong
to the value. Some names are modifiers: they change the request, besides or instead of matching it. Modifiers
are applied in a fixed order, not in the written one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import Struct

from rondpoint.rules import template_matchers, tree
from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import Expression, Match, Rule
from rondpoint.rules.matchers import MatcherValueError, host, method
from rondpoint.rules.modifiers import MODIFIERS, Modifier, order_modifiers
from rondpoint.rules.suggestions import did_you_mean

T = TypeVar("T")

MAX_LENGTH = 65_536
"""Characters in a rule."""


class ParsedRule(Struct, frozen=True):
    """A rule, and its modifiers in the order in which they are applied."""

    rule: Rule
    modifiers: tuple[Modifier, ...] = ()


class _Part(Struct, frozen=True):
    """One `Name:value,value` of a rule; values have their offsets in the whole rule."""

    name: str
    position: int
    values: tuple[tuple[str, int], ...]


def parse(text: str) -> Rule:
    """Parse a rule without its modifiers. Raises RuleError."""
    return read(text).rule


def read(text: str) -> ParsedRule:
    """Parse a rule and its modifiers. Raises RuleError."""
    if len(text) > MAX_LENGTH:
        raise RuleError(text, f"the rule is longer than {MAX_LENGTH:,} characters")
    parts = [_part(text, piece, position) for piece, position in _pieces(text, 0, ";")]
    if not parts:
        raise RuleError(text, "the rule is empty", 0, "expected a rule such as Host:app.example.com")
    matches = [_expression(text, part) for part in parts if part.name in _MATCHERS]
    modifiers = [_modifier(text, part) for part in parts if part.name in MODIFIERS]
    # A rule that only modifies matches every request, as in Traefik.
    expression = tree.conjunction(matches) if matches else Match("PathPrefix", ("/",))
    return ParsedRule(Rule(text, expression), order_modifiers(modifiers))


def _pieces(section: str, start: int, separator: str) -> Iterator[tuple[str, int]]:
    """Yield the non-empty pieces between separators in `section` with their offsets from `start`."""
    for piece in section.split(separator):
        stripped = piece.strip()
        if stripped:
            yield stripped, start + len(piece) - len(piece.lstrip())
        start += len(piece) + len(separator)


def _part(text: str, piece: str, position: int) -> _Part:
    written, _, rest = piece.partition(":")
    name = _CANONICAL.get(written.strip().lower())
    if name is None:
        raise RuleError(
            text, f"unknown matcher {written.strip()!r}", position, _unknown_matcher_hint(written.strip())
        )
    after = position + len(piece) - len(rest)
    values = tuple(_pieces(rest, after, ","))
    if not values:
        raise RuleError(text, f"{name} has no value", position, f"expected {name}:VALUE")
    return _Part(name, position, values)


def _unknown_matcher_hint(name: str) -> str:
    if "(" in name:
        return "that is Traefik 3 syntax, for traefik.http.routers.NAME.rule; write Host:a.test here"
    return did_you_mean(name, _CANONICAL.values())


def _expression(text: str, part: _Part) -> Expression:
    read = _MATCHERS[part.name]
    if part.name in _PAIR_MATCHERS:
        return tree.conjunction(
            _build(text, part.name, position, read, *values) for values, position in _pairs(text, part)
        )
    return tree.disjunction(_build(text, part.name, position, read, value) for value, position in part.values)


def _pairs(text: str, part: _Part) -> Iterator[tuple[tuple[str, str], int]]:
    if part.name == "Query":
        for value, position in part.values:
            name, equals, query_value = value.partition("=")
            if not equals:
                raise RuleError(text, f"Query: {value!r} has no =", position, f"expected Query:{value}=VALUE")
            yield (name.strip(), query_value.strip()), position
        return
    if len(part.values) % 2:
        hint = f"expected {part.name}:NAME,VALUE"
        raise RuleError(text, f"{part.name} takes pairs of name and value", part.position, hint)
    for (name, position), (value, _) in zip(part.values[::2], part.values[1::2], strict=True):
        yield (name, value), position


def _modifier(text: str, part: _Part) -> Modifier:
    values = tuple(value for value, _ in part.values)
    return _build(text, part.name, part.values[0][1], MODIFIERS[part.name], values)


def _build(text: str, name: str, position: int, read: Callable[..., T], *values: object) -> T:
    try:
        return read(*values)
    except MatcherValueError as fault:
        joined = any(_OTHER_SEPARATORS.search(value) for value in values if isinstance(value, str))
        hint = "separate matchers by ; and values by ," if joined else fault.hint
        raise RuleError(text, f"{name}: {fault}", position, hint) from None


_MATCHERS: dict[str, Callable[..., Expression]] = {
    "Host": host,
    "HostRegexp": template_matchers.host_pattern,
    "Path": template_matchers.path_or_pattern,
    "PathStrip": template_matchers.path_or_pattern,
    "PathStripRegex": template_matchers.path_or_pattern,
    "PathPrefix": template_matchers.prefix_or_pattern,
    "PathPrefixStrip": template_matchers.prefix_or_pattern,
    "PathPrefixStripRegex": template_matchers.prefix_or_pattern,
    "Method": lambda value: Match("Method", (method(value),)),
    "Headers": template_matchers.header,
    "HeadersRegexp": template_matchers.header_pattern,
    "Query": template_matchers.query,
}
_PAIR_MATCHERS = frozenset(("Headers", "HeadersRegexp", "Query"))
# Separators of other languages: && and ||, or only a space before the next matcher.
_OTHER_SEPARATORS = re.compile(r"&&|\||\s\w+:")
_CANONICAL = {name.lower(): name for name in [*_MATCHERS, *MODIFIERS]}
