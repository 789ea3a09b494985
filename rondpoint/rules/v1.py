"""The rule language of Traefik 1, for instance `Host:a.test,b.test;PathPrefix:/api`.

Matchers joined by `;` must all hold; of the values of one matcher, joined by `,`, one must. The name
ends at the first `:`; further ones belong to the value.
"""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.rules import tree
from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import Match, Rule
from rondpoint.rules.matchers import SERVED, ValueFault
from rondpoint.rules.names import did_you_mean

MAX_LENGTH = 65_536
"""Characters in a rule."""

_NOT_YET = frozenset(
    [
        *("HostRegexp", "Method", "Headers", "HeadersRegexp", "Query"),
        *("PathStrip", "PathStripRegex", "PathPrefixStrip", "PathPrefixStripRegex"),
        *("AddPrefix", "ReplacePath", "ReplacePathRegex"),
    ]
)
_CANONICAL = {name.lower(): name for name in [*SERVED, *_NOT_YET]}


def parse(text: str) -> Rule:
    """Read a rule; raises RuleError."""
    if len(text) > MAX_LENGTH:
        raise RuleError(text, f"the rule is longer than {MAX_LENGTH:,} characters")
    matches = [_match(text, part, position) for part, position in _parts(text, 0, ";")]
    if not matches:
        raise RuleError(text, "the rule is empty", 0, "expected a rule such as Host:app.example.com")
    return Rule(text, tree.conjunction(matches))


def _parts(section: str, start: int, separator: str) -> Iterator[tuple[str, int]]:
    """What stands between separators in `section`, with their offsets from `start`; blanks are left out."""
    for piece in section.split(separator):
        stripped = piece.strip()
        if stripped:
            yield stripped, start + len(piece) - len(piece.lstrip())
        start += len(piece) + len(separator)


def _match(text: str, part: str, position: int) -> Match:
    name, _, rest = part.partition(":")
    name = name.strip()
    kind = _CANONICAL.get(name.lower())
    if kind is None:
        raise RuleError(text, f"unknown matcher {name!r}", position, _for_unknown(name))
    if kind in _NOT_YET:
        raise RuleError(text, f"{kind} is not served yet", position, f"served: {', '.join(SERVED)}")
    after = position + len(part) - len(rest)
    values = tuple(_value(text, kind, value, at) for value, at in _parts(rest, after, ","))
    if not values:
        raise RuleError(text, f"{kind} has no value", position, f"expected {kind}:VALUE")
    return Match(kind, tuple(dict.fromkeys(values)))


def _for_unknown(name: str) -> str:
    if "(" in name:
        return "that is Traefik 3 style, for traefik.http.routers.NAME.rule; here it is Host:a.test"
    return did_you_mean(name, _CANONICAL.values())


def _value(text: str, kind: str, value: str, position: int) -> str:
    if kind != "Host" and "{" in value:
        raise RuleError(text, f"a pattern as in {value} is not served yet", position, "expected a plain path")
    try:
        return SERVED[kind](value)
    except ValueFault as fault:
        raise RuleError(text, f"{kind}: {fault}", position, fault.hint) from None
