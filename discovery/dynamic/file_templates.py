"""Evaluates the Go templates in dynamic files, as Traefik's file provider does."""

from __future__ import annotations

from collections.abc import Mapping

from discovery.dynamic.syntax_error import FileSyntaxError
from discovery.templates.functions import TemplateError, Value
from discovery.templates.template import render

LONGEST = 1_000_000
"""Largest number of characters in a file with templates."""


def evaluate_templates(text: str, environ: Mapping[str, str]) -> str:
    """Replace the actions `{{ … }}` of a file; `env` reads from `environ`. Raises FileSyntaxError."""
    if "{{" not in text:
        return text

    def read_variable(name: Value) -> Value:
        return environ.get(name, "") if isinstance(name, str) else ""

    try:
        return render(text, {}, {"env": (1, read_variable)}, longest=LONGEST)
    except TemplateError as error:
        position = error.position
        if position is None:
            raise FileSyntaxError(str(error)) from None
        line_start = text.rfind("\n", 0, position) + 1
        line = text.count("\n", 0, position) + 1
        raise FileSyntaxError(str(error), line, position - line_start + 1) from None
