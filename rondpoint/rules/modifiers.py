"""Translates the modifiers in Traefik 1's rules to Traefik 3's middlewares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from rondpoint.rules.matchers import MatcherValueError, pattern
from rondpoint.rules.template_matchers import segments_pattern
from rondpoint.rules.templates import has_variables


class Modifier(Struct, frozen=True):
    """A change to the request: a middleware's kind and options, in Traefik 3 spelling."""

    kind: str
    options: dict[str, Any]


def order_modifiers(modifiers: Iterable[Modifier]) -> tuple[Modifier, ...]:
    """Return the modifiers in the order in which Traefik 1 applies them; of one kind only the last counts."""
    last = {modifier.kind: modifier for modifier in modifiers}
    return tuple(last[kind] for kind in _ORDER if kind in last)


_ORDER = ("stripPrefix", "stripPrefixRegex", "addPrefix", "replacePathRegex", "replacePath")


def _strip(values: tuple[str, ...]) -> Modifier:
    if any(has_variables(value) for value in values):
        return _strip_pattern(values)
    return Modifier("stripPrefix", {"prefixes": sorted(values, key=lambda value: (-len(value), value))})


def _strip_pattern(values: tuple[str, ...]) -> Modifier:
    longest_first = sorted(values, key=lambda value: (-len(value), value))
    expressions = [pattern(f"^{segments_pattern(value)}") for value in longest_first]
    return Modifier("stripPrefixRegex", {"regex": expressions})


def _add(values: tuple[str, ...]) -> Modifier:
    return Modifier("addPrefix", {"prefix": values[-1]})


def _replace(values: tuple[str, ...]) -> Modifier:
    return Modifier("replacePath", {"path": values[-1]})


def _replace_pattern(values: tuple[str, ...]) -> Modifier:
    # The modifier takes one value, so a comma belongs to the expression.
    written = ",".join(values)
    words = written.split()
    if len(words) != 2:
        raise MatcherValueError(
            f"{written!r} is not an expression and its replacement", "separate the two by a space"
        )
    return Modifier("replacePathRegex", {"regex": pattern(words[0]), "replacement": words[1]})


MODIFIERS: dict[str, Callable[[tuple[str, ...]], Modifier]] = {
    "PathStrip": _strip,
    "PathPrefixStrip": _strip,
    "PathStripRegex": _strip_pattern,
    "PathPrefixStripRegex": _strip_pattern,
    "AddPrefix": _add,
    "ReplacePath": _replace,
    "ReplacePathRegex": _replace_pattern,
}
"""Functions by their names in Traefik 1's rules; they raise MatcherValueError."""
