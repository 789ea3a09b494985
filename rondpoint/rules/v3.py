"""The rule language of Traefik 3, for instance ``Host(`a.test`) && !PathPrefix(`/private`)``.

Names of matchers are read whatever their case. Several hosts are several matchers joined by `||`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from rondpoint.rules import tree
from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import Expression, Rule
from rondpoint.rules.matchers import MATCHERS, Matcher, ValueFault
from rondpoint.rules.quoted import QuotedError, quote, unquote
from rondpoint.rules.suggestions import did_you_mean

MAX_LENGTH = 65_536
"""Characters in a rule."""

MAX_DEPTH = 32
"""Levels of `&&`, `||` and `!` within each other: the tree is walked by recursion elsewhere."""

_FOR_TCP = ("HostSNI", "HostSNIRegexp", "ALPN")


class Syntax:
    """The matchers of a language with these expressions; `others` is what to write for those it has not.

    Names in `others` are in lower case.
    """

    def __init__(self, matchers: Mapping[str, Matcher], others: Mapping[str, str]) -> None:
        self.matchers = matchers
        self.others = others
        self.names = {name.lower(): name for name in [*matchers, *_FOR_TCP]}
        self.grammar = cache(self._grammar)

    def _grammar(self) -> Lark:
        builder = _Builder(self)
        return Lark.open("v3.lark", rel_to=__file__, parser="lalr", lexer="basic", transformer=builder)


_OF_OTHERS = {
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
"""What is written here for matchers of Traefik 1 and 2, by their names in lower case."""

SYNTAX = Syntax(MATCHERS, _OF_OTHERS)

_OTHER_QUOTES = "'\u2018\u2019\u201c\u201d"
_QUOTING = "values stand in back quotes: Host(`a.test`)"
_WORDS = {
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
    """Read a rule; raises RuleError."""
    if not text.strip():
        raise RuleError(text, "the rule is empty", 0, "expected a rule such as Host(`app.example.com`)")
    if len(text) > MAX_LENGTH:
        raise RuleError(text, f"the rule is longer than {MAX_LENGTH:,} characters")
    try:
        expression = cast(Expression, syntax.grammar().parse(text))
    except UnexpectedCharacters as error:
        raise _unreadable(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        raise _misplaced(text, error) from None
    except _Fault as fault:
        raise RuleError(text, str(fault), fault.position, fault.hint) from None
    if tree.depth(expression) > MAX_DEPTH:
        raise RuleError(text, f"the rule is nested more than {MAX_DEPTH} levels deep")
    return Rule(text, expression)


class _Fault(Exception):  # noqa: N818 - becomes a RuleError as soon as the text is at hand
    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__(message)
        self.position = position
        self.hint = hint


@v_args(inline=True)
class _Builder(Transformer[Token, Expression]):
    """Called by the parser as it goes, so that no syntax tree is built and walked."""

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
        hint = f"here it is {other}" if other else did_you_mean(name, syntax.names.values())
        raise _Fault(f"unknown matcher {name}", position, hint)
    if kind in _FOR_TCP:
        raise _Fault(f"{kind} is for TCP routers", position, "HTTP routers match on Host")
    matcher = syntax.matchers[kind]
    if not matcher.takes(len(values)):
        takes = " or ".join(_NUMBERS[count] for count in matcher.counts) + " or more" * matcher.many
        raise _Fault(f"{kind} takes {takes}, not {len(values)}", position, _instead(kind, matcher, values))
    texts = [_text(token) for token in values]
    try:
        return matcher.build(*texts)
    except ValueFault as fault:
        token = values[fault.argument]
        raise _Fault(f"{kind}: {fault}", token.start_pos or 0, fault.hint) from None


_NUMBERS = {1: "one value", 2: "two values"}


def _instead(kind: str, matcher: Matcher, values: list[Token]) -> str:
    if matcher.counts == (1,):
        return "write " + (" || ".join(f"{kind}({value})" for value in values[:3]) or f"{kind}(`…`)")
    return f"write {kind}(`name`, `value`)"


def _text(token: Token) -> str:
    try:
        return unquote(token)
    except QuotedError as error:
        raise _Fault(str(error), (token.start_pos or 0) + error.position) from None


def _unreadable(text: str, position: int) -> RuleError:
    character = text[position]
    if character in '`"':
        return RuleError(text, f"this {character} is not closed", position)
    if character in _OTHER_QUOTES:
        return RuleError(text, f"unexpected {character}", position, _QUOTING)
    if character == ":":
        return RuleError(text, "unexpected :", position, _from_v1(text, position))
    hint = f"write {character * 2}" if character in "&|" else ""
    return RuleError(text, f"unexpected {character}", position, hint)


def _from_v1(text: str, colon: int) -> str:
    name = re.split(r"\W+", text[:colon].rstrip())[-1]
    value = re.split(r"[;,]", text[colon + 1 :], maxsplit=1)[0].strip()
    return f"that is Traefik 1 style; here it is {name or 'Host'}({quote(value)})"


def _misplaced(text: str, error: UnexpectedToken) -> RuleError:
    names = set(error.accepts or error.expected)
    hint = "expected " + " or ".join(_WORDS.get(name, name) for name in sorted(names))
    if error.token.type == "$END":
        return RuleError(text, "the rule ends too early", len(text), hint)
    if error.token.type == "NAME" and "TEXT" in names:
        hint = _QUOTING
    return RuleError(text, f"unexpected {error.token}", error.token.start_pos, hint)
