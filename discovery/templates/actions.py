"""Evaluates one action of a template, `{{ … }}`: fields, literals, calls and pipes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from discovery.templates.functions import FUNCTIONS, Functions, TemplateError, Value
from rondpoint.rules.quoted import QuotedError, unquote
from rondpoint.rules.suggestions import did_you_mean

_TOKEN = re.compile(r"""\s*(`[^`]*`|"(?:\\.|[^"\\\n])*"|(?:\.[A-Za-z_]\w*)+|[A-Za-z_]\w*|[()|])""")
_KEYWORDS = frozenset(
    ["if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"]
)
_MAX_DEPTH = 20


def evaluate(action: str, fields: Mapping[str, Value], extra_functions: Functions) -> Value:
    """Evaluate the trimmed text between the braces. Raises TemplateError."""
    return _Action(tokens(action), fields, extra_functions).evaluate()


def tokens(action: str) -> list[str]:
    """Split an action into tokens. Raises TemplateError."""
    found: list[str] = []
    position, action = 0, action.rstrip()
    while position < len(action):
        match = _TOKEN.match(action, position)
        if match is None:
            raise TemplateError(f"{action[position:].strip()!r} in a template is not supported")
        found.append(match.group(1))
        position = match.end()
    return found


class _Action:
    """A recursive-descent evaluator of one action."""

    def __init__(
        self, tokens: Sequence[str], fields: Mapping[str, Value], extra_functions: Functions
    ) -> None:
        self._tokens = tokens
        self._fields = fields
        self._extra_functions = extra_functions
        self._position = 0
        self._depth = 0

    def evaluate(self) -> Value:
        value = self._pipeline()
        if self._position < len(self._tokens):
            raise TemplateError(f"unexpected {self._tokens[self._position]} in a template")
        return value

    def _next(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _pipeline(self) -> Value:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TemplateError("too many parentheses in a template")
        value = self._command([])
        while self._next() == "|":
            self._position += 1
            value = self._command([value])
        self._depth -= 1
        return value

    def _command(self, piped: list[Value]) -> Value:
        first = self._next()
        if first is None or first in ")|":
            raise TemplateError("a template has an empty action")
        if not (first[0].isalpha() or first[0] == "_"):
            if piped:
                raise TemplateError(f"{first} in a template follows | but is no function")
            return self._operand()
        if first in _KEYWORDS:
            raise TemplateError(f"{first} in a template is not supported")
        self._position += 1
        arguments: list[Value] = []
        while (word := self._next()) is not None and word not in ")|":
            arguments.append(self._operand())
        return _call(first, arguments + piped, self._extra_functions)

    def _operand(self) -> Value:
        word = self._tokens[self._position]
        self._position += 1
        if word == "(":
            value = self._pipeline()
            if self._next() != ")":
                raise TemplateError("( is not closed in a template")
            self._position += 1
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
            known = f" ({did_you_mean(name, self._fields)})" if self._fields else ""
            raise TemplateError(f"unknown field .{name}{known}")
        value = self._fields[name]
        for key in keys:
            if not isinstance(value, Mapping):
                raise TemplateError(f"{word}: .{name} is text and has no fields")
            value = value.get(key, "")
        return value


def _call(name: str, arguments: list[Value], extra_functions: Functions) -> Value:
    known = {**FUNCTIONS, **extra_functions}
    if name not in known:
        raise TemplateError(f"unknown function {name} in a template ({did_you_mean(name, known)})")
    count, function = known[name]
    if len(arguments) != count and (count is not None or not arguments):
        takes = f"{count} values" if count is not None else "one value or more"
        raise TemplateError(f"{name} takes {takes}, not {len(arguments)}")
    return function(*arguments)
