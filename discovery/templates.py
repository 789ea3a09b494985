"""The small part of Go's template language that default rules are written in.

Served: actions `{{ … }}` with fields (`.Name`, `.Labels.app`), calls of `discovery.template_functions`
(`normalize .Name`, `index .Labels "app"`), pipes, parentheses, string literals, and trimming with `{{-`
and `-}}`. No conditions, no loops.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from discovery.template_functions import FUNCTIONS, Function, TemplateError, Value
from rondpoint.rules.names import did_you_mean
from rondpoint.rules.quoted import QuotedError, unquote

__all__ = ["Function", "TemplateError", "Value", "render"]

_ACTION = re.compile(r"""\{\{((?:[^`"}]|`[^`]*`|"(?:\\.|[^"\\\n])*"|\}(?!\}))*)\}\}""")
_WORD = re.compile(r"""\s*(`[^`]*`|"(?:\\.|[^"\\\n])*"|(?:\.[A-Za-z_]\w*)+|[A-Za-z_]\w*|[()|])""")
_KEYWORDS = frozenset(
    ["if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"]
)
_MAX_DEPTH = 20
_NO_MORE: Mapping[str, tuple[int, Function]] = MappingProxyType({})


def render(
    template: str, fields: Mapping[str, Value], more: Mapping[str, tuple[int, Function]] = _NO_MORE
) -> str:
    """The template with its actions replaced by what they say of `fields`; raises TemplateError.

    `more` are functions besides the usual ones: name → how many values it takes, and itself.
    """
    pieces: list[str] = []
    end, trim = 0, False
    for action in _ACTION.finditer(template):
        inner = action.group(1)
        before = _literal(template[end : action.start()], trim)
        pieces.append(before.rstrip() if re.match(r"-\s", inner) else before)
        trim = re.search(r"\s-\Z", inner) is not None
        inner = re.sub(r"\A-\s|\s-\Z", "", inner)
        pieces.append(_Action(_words(inner), fields, more).evaluate())
        end = action.end()
    pieces.append(_literal(template[end:], trim))
    return "".join(pieces)


def _literal(text: str, trim: bool) -> str:
    if "{{" in text:
        raise TemplateError("{{ is not closed by }}")
    return text.lstrip() if trim else text


def _words(action: str) -> list[str]:
    words: list[str] = []
    position, action = 0, action.rstrip()
    while position < len(action):
        match = _WORD.match(action, position)
        if match is None:
            raise TemplateError(f"{action[position:].strip()!r} in a template is not served")
        words.append(match.group(1))
        position = match.end()
    return words


class _Action:
    """One action, evaluated as it is read."""

    def __init__(
        self,
        words: Sequence[str],
        fields: Mapping[str, Value],
        more: Mapping[str, tuple[int, Function]],
    ) -> None:
        self._words = words
        self._fields = fields
        self._more = more
        self._at = 0
        self._depth = 0

    def evaluate(self) -> str:
        value = self._pipeline()
        if self._at < len(self._words):
            raise TemplateError(f"unexpected {self._words[self._at]} in a template")
        if not isinstance(value, str):
            raise TemplateError("a template's action gives a map, where text is expected")
        return value

    def _next(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _pipeline(self) -> Value:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TemplateError("too many parentheses in a template")
        value = self._command([])
        while self._next() == "|":
            self._at += 1
            value = self._command([value])
        self._depth -= 1
        return value

    def _command(self, piped: list[Value]) -> Value:
        first = self._next()
        if first is None or first in ")|":
            raise TemplateError("an action of a template is empty")
        if not (first[0].isalpha() or first[0] == "_"):
            if piped:
                raise TemplateError(f"{first} in a template is no function to pipe into")
            return self._operand()
        self._at += 1
        arguments: list[Value] = []
        while (word := self._next()) is not None and word not in ")|":
            arguments.append(self._operand())
        return _call(first, arguments + piped, self._more)

    def _operand(self) -> Value:
        word = self._words[self._at]
        self._at += 1
        if word == "(":
            value = self._pipeline()
            if self._next() != ")":
                raise TemplateError("( is not closed in a template")
            self._at += 1
            return value
        if word[0] in '`"':
            try:
                return unquote(word)
            except QuotedError as error:
                raise TemplateError(str(error)) from None
        if word[0] == ".":
            return self._field(word)
        raise TemplateError(f"unexpected {word} in a template: put a call in parentheses")

    def _field(self, word: str) -> Value:
        name, *keys = word[1:].split(".")
        if name not in self._fields:
            raise TemplateError(f"unknown field .{name} ({did_you_mean(name, self._fields)})")
        value = self._fields[name]
        for key in keys:
            if isinstance(value, str):
                raise TemplateError(f"{word}: .{name} is text and has no fields")
            value = value.get(key, "")
        return value


def _call(name: str, arguments: list[Value], more: Mapping[str, tuple[int, Function]]) -> Value:
    if name in _KEYWORDS:
        raise TemplateError(f"{name} in a template is not served")
    known = {**FUNCTIONS, **more}
    if name not in known:
        raise TemplateError(f"unknown function {name} in a template ({did_you_mean(name, known)})")
    count, function = known[name]
    if len(arguments) != count:
        raise TemplateError(f"{name} takes {count} values, not {len(arguments)}")
    return function(*arguments)
