"""The rule language of Traefik 3, for instance ``Host(`a.test`) && !PathPrefix(`/private`)``.

The case of matcher names does not matter. Several hosts are several matchers with `||` between them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args
from msgspec import Struct

from rondpoint.rules import tree
from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import Expression, Rule
from rondpoint.rules.matchers import MATCHERS, Matcher, MatcherValueError
from rondpoint.rules.quoted import QuotedError, quote, unquote
from rondpoint.rules.suggestions import did_you_mean

MAX_LENGTH = 65_536
"""Characters in a rule."""

MAX_DEPTH = 32
"""Nested levels of `&&`, `||` and `!`; other code walks the tree by recursion."""


class OtherMatchers(Struct, frozen=True):
    """The matchers of another protocol's routers; `hint` says what routers of this protocol match on.

    `instead` has the matchers to write instead, by name.
    """

    routers: str
    names: Collection[str]
    hint: str
    instead: Mapping[str, str] = MappingProxyType({})


TCP_MATCHERS = OtherMatchers("TCP", ("HostSNI", "HostSNIRegexp", "ALPN"), "HTTP routers match on Host")


class Syntax:
    """The matchers of a language; `others` says what to write for matchers of other versions.

    Names in `others` are in lower case. `foreign` are the matchers of another protocol. `host` is the matcher
    in examples.
    """

    def __init__(
        self,
        matchers: Mapping[str, Matcher],
        others: Mapping[str, str],
        foreign: OtherMatchers = TCP_MATCHERS,
        host: str = "Host",
    ) -> None:
        self.matchers = matchers
        self.others = others
        self.foreign = foreign
        self.host = host
        self.names = {name.lower(): name for name in [*matchers, *foreign.names]}
        self.grammar = cache(self._grammar)

    def _grammar(self) -> Lark:
        builder = _Builder(self)
        return Lark.open("v3.lark", rel_to=__file__, parser="lalr", lexer="basic", transformer=builder)


_OTHER_VERSIONS = {
    "headers": "Header(`name`, `value`)",
    "headersregexp": "HeaderRegexp(`name`, `expression`)",
    "hostheader": "Host",
    "pathprefixstrip": "PathPrefix, and a stripPrefix middleware",
    "pathstrip": "Path, and a stripPrefix middleware",
    "pathprefixstripregex": "PathRegexp, and a stripPrefixRegex middleware",
    "pathstripregex": "PathRegexp, and a stripPrefixRegex middleware",
    "addprefix": "an addPrefix middleware",
    "replacepath": "a replacePath middleware",
    "replacepathregex": "a replacePathRegex middleware",
}
"""The equivalents of Traefik 1's and 2's matchers, by their names in lower case."""

SYNTAX = Syntax(MATCHERS, _OTHER_VERSIONS)

_OTHER_QUOTES = "'\u2018\u2019\u201c\u201d"
_TOKEN_NAMES = {
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "_AND": "&&",
    "_OR": "||",
    "_NOT": "!",
    "NAME": "a matcher",
    "TEXT": "a value in back quotes",
    "$END": "the end of the rule",
}


def parse(text: str, syntax: Syntax = SYNTAX) -> Rule:
    """Parse a rule. Raises RuleError."""
    if not text.strip():
        raise RuleError(
            text, "the rule is empty", 0, f"expected a rule such as {syntax.host}(`app.example.com`)"
        )
    if len(text) > MAX_LENGTH:
        raise RuleError(text, f"the rule is longer than {MAX_LENGTH:,} characters")
    try:
        expression = cast(Expression, syntax.grammar().parse(text))
    except UnexpectedCharacters as error:
        raise _unreadable(text, error.pos_in_stream or 0, syntax) from None
    except UnexpectedToken as unexpected_token:
        raise _misplaced(text, unexpected_token, syntax) from None
    except _PositionedError as fault:
        raise RuleError(
            text,
            str(fault),
            fault.position,
            fault.hint,
            has_other_matchers=isinstance(fault, _OtherMatcherError),
        ) from None
    if tree.depth(expression) > MAX_DEPTH:
        raise RuleError(text, f"the rule is nested more than {MAX_DEPTH} levels deep")
    return Rule(text, expression)


class _PositionedError(Exception):
    """An error that becomes a RuleError once the text of the rule is known."""

    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__(message)
        self.position = position
        self.hint = hint


class _OtherMatcherError(_PositionedError):
    """A matcher that is unknown, or has the wrong number of values."""


@v_args(inline=True)
class _Builder(Transformer[Token, Expression]):
    """Builds the expression during parsing, so that no syntax tree is needed."""

    def __init__(self, syntax: Syntax) -> None:
        super().__init__()
        self._syntax = syntax

    def disjunction(self, *items: Expression) -> Expression:
        return tree.disjunction(items)

    def conjunction(self, *items: Expression) -> Expression:
        return tree.conjunction(items)

    def negation(self, item: Expression) -> Expression:
        return tree.negation(item)

    def matcher(self, name: Token, *values: Token | None) -> Expression:
        return _match(self._syntax, name, [value for value in values if value is not None])


def _match(syntax: Syntax, name: Token, values: list[Token]) -> Expression:
    kind = syntax.names.get(name.lower())
    position = name.start_pos or 0
    if kind is None:
        other = syntax.others.get(name.lower())
        hint = f"write {other} here" if other else did_you_mean(name, syntax.names.values())
        raise _OtherMatcherError(f"unknown matcher {name}", position, hint)
    if kind not in syntax.matchers:
        instead = syntax.foreign.instead.get(kind)
        hint = f"write {instead}" if instead else syntax.foreign.hint
        raise _PositionedError(f"{kind} is for {syntax.foreign.routers} routers", position, hint)
    matcher = syntax.matchers[kind]
    if not matcher.takes(len(values)):
        takes = " or ".join(_NUMBERS[count] for count in matcher.counts) + " or more" * matcher.many
        raise _OtherMatcherError(
            f"{kind} takes {takes}, not {len(values)}", position, _correction_hint(kind, matcher, values)
        )
    texts = [_text(token) for token in values]
    try:
        return matcher.build(*texts)
    except MatcherValueError as fault:
        token = values[fault.argument]
        raise _PositionedError(f"{kind}: {fault}", token.start_pos or 0, fault.hint) from None


_NUMBERS = {1: "one value", 2: "two values"}


def _correction_hint(kind: str, matcher: Matcher, values: list[Token]) -> str:
    if matcher.counts == (1,):
        return "write " + (" || ".join(f"{kind}({value})" for value in values[:3]) or f"{kind}(`…`)")
    return f"write {kind}(`name`, `value`)"


def _text(token: Token) -> str:
    try:
        return unquote(token)
    except QuotedError as error:
        raise _PositionedError(str(error), (token.start_pos or 0) + error.position) from None


def _quoting_hint(syntax: Syntax) -> str:
    return f"write values in back quotes: {syntax.host}(`a.test`)"


def _unreadable(text: str, position: int, syntax: Syntax) -> RuleError:
    character = text[position]
    if character in '`"':
        return RuleError(text, f"this {character} is not closed", position)
    if character in _OTHER_QUOTES:
        return RuleError(text, f"unexpected {character}", position, _quoting_hint(syntax))
    if character == ":":
        return RuleError(text, "unexpected :", position, _v1_hint(text, position, syntax))
    hint = f"write {character * 2}" if character in "&|" else ""
    return RuleError(text, f"unexpected {character}", position, hint)


def _v1_hint(text: str, colon: int, syntax: Syntax) -> str:
    name = re.split(r"\W+", text[:colon].rstrip())[-1]
    value = re.split(r"[;,]", text[colon + 1 :], maxsplit=1)[0].strip()
    return f"that is Traefik 1 syntax; write {name or syntax.host}({quote(value)}) here"


def _misplaced(text: str, error: UnexpectedToken, syntax: Syntax) -> RuleError:
    names = set(error.accepts or error.expected)
    hint = "expected " + " or ".join(_TOKEN_NAMES.get(name, name) for name in sorted(names))
    if error.token.type == "$END":
        return RuleError(text, "the rule ends too early", len(text), hint)
    if error.token.type == "NAME" and "TEXT" in names:
        hint = _quoting_hint(syntax)
    return RuleError(text, f"unexpected {error.token}", error.token.start_pos, hint)
