"""Translates Traefik 1's templates, such as `/users/{id:[0-9]+}` or `{sub}.a.test`, to regular expressions.

Braces contain a name and, after a colon, an expression; without an expression they stand for a segment of a
path or a label of a host. All other text is literal.
"""

from __future__ import annotations

import re

from rondpoint.rules.patterns import PatternError, compile_pattern, literal


class TemplateError(ValueError):
    """A template that is invalid."""


def has_variables(text: str) -> bool:
    """Return whether the text contains a variable."""
    return "{" in text


def to_expression(text: str, segment: str) -> str:
    """Translate a template without anchors; `segment` replaces `{name}`. Raises TemplateError."""
    found, position = "", 0
    while position < len(text):
        if text[position] == "}":
            raise TemplateError("a } without {")
        if text[position] != "{":
            plain = re.split(r"[{}]", text[position:], maxsplit=1)[0]
            found += literal(plain)
            position += len(plain)
            continue
        end = _closing(text, position)
        name, colon, expression = text[position + 1 : end].partition(":")
        if not name or (colon and not expression):
            raise TemplateError(f"{text[position : end + 1]} needs a name and an expression: {{name:[a-z]+}}")
        found += f"(?:{_checked(expression) if colon else segment})"
        position = end + 1
    return found


def _closing(text: str, opening: int) -> int:
    level = 0
    for position in range(opening, len(text)):
        level += {"{": 1, "}": -1}.get(text[position], 0)
        if not level:
            return position
    raise TemplateError("a { is not closed")


def _checked(expression: str) -> str:
    # Compile each expression alone, so that no parenthesis opened in one is closed in another.
    try:
        compile_pattern(expression)
    except PatternError as error:
        raise TemplateError(f"{expression!r} is no regular expression: {error}") from None
    return expression
