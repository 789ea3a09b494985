"""Renders templates in a subset of Go's template language.

Supported: actions `{{ … }}` with fields (`.Name`, `.Labels.app`), calls of `discovery.templates.functions`
(`normalize .Name`, `index .Labels "app"`), pipes, parentheses, string literals; conditions `{{ if … }}`,
`{{ else if … }}`, `{{ else }}`, `{{ end }}`; comments; trimming with `{{-` and `-}}`. No loops, no variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from discovery.templates.actions import evaluate
from discovery.templates.functions import Function, Functions, TemplateError, Value, is_true

__all__ = ["Function", "TemplateError", "Value", "render"]

_ACTION = re.compile(r"""\{\{((?:[^`"}]|`[^`]*`|"(?:\\.|[^"\\\n])*"|\}(?!\}))*)\}\}""")
_COMMENT = re.compile(r"\{\{(-\s+)?/\*.*?\*/(\s+-)?\}\}", re.DOTALL)
_CONTROL = re.compile(r"(if|else|end)\b\s*(.*)\Z", re.DOTALL)
LONGEST = 2000
"""Largest number of characters in the template of a rule."""

_NO_FUNCTIONS: Functions = MappingProxyType({})


def render(
    template: str,
    fields: Mapping[str, Value],
    extra_functions: Functions = _NO_FUNCTIONS,
    *,
    longest: int = LONGEST,
) -> str:
    """Replace the template's actions by their values for `fields`. Raises TemplateError.

    `extra_functions` are functions beside the usual ones, by name. `longest` limits the characters.
    """
    if len(template) > longest:
        raise TemplateError(f"a template has more than {longest} characters")
    return _Rendering(fields, extra_functions).render(template)


class _Rendering:
    def __init__(self, fields: Mapping[str, Value], extra_functions: Functions) -> None:
        self._fields = fields
        self._extra_functions = extra_functions
        self._open: list[_Branch] = []

    def render(self, template: str) -> str:
        pieces: list[str] = []
        for text, action, position in _split(template):
            if self._active:
                pieces.append(text)
            if action is None:
                break
            try:
                pieces.append(self._evaluate(action))
            except TemplateError as error:
                error.position = position
                raise
        if self._open:
            raise TemplateError("an if in a template has no end action")
        return "".join(pieces)

    def _evaluate(self, action: str) -> str:
        control = _CONTROL.match(action)
        if control is not None:
            self._control(control[1], control[2])
        elif self._active:
            return _text(evaluate(action, self._fields, self._extra_functions))
        return ""

    @property
    def _active(self) -> bool:
        return all(branch.active for branch in self._open)

    def _control(self, word: str, rest: str) -> None:
        if word == "if":
            active = self._active and self._is_true(rest)
            self._open.append(_Branch(active))
            return
        if not self._open:
            raise TemplateError(f"{word} in a template without if")
        if word == "end":
            self._end(rest)
            return
        branch = self._open[-1]
        if branch.is_else:
            raise TemplateError("a second else follows else in a template")
        condition = _CONTROL.match(rest)
        if rest and (condition is None or condition[1] != "if"):
            raise TemplateError(f"unexpected {rest} after else in a template")
        branch.active = False
        outer = all(each.active for each in self._open[:-1])
        if condition is None:
            branch.is_else = True
            branch.active = not branch.was_active
        elif outer and not branch.was_active:
            branch.active = self._is_true(condition[2])
        branch.was_active |= branch.active

    def _end(self, rest: str) -> None:
        if rest:
            raise TemplateError(f"unexpected {rest} after end in a template")
        self._open.pop()

    def _is_true(self, condition: str) -> bool:
        return is_true(evaluate(condition, self._fields, self._extra_functions))


class _Branch:
    """An open `if`: whether its current branch is `active`, whether one was, and whether it is `else`."""

    def __init__(self, active: bool) -> None:
        self.active = active
        self.was_active = active
        self.is_else = False


def _split(template: str) -> Iterator[tuple[str, str | None, int]]:
    """Yield each text, the action that follows it, and the action's position; None follows the last text."""
    end, trim = 0, False
    while (start := template.find("{{", end)) >= 0:
        comment = _COMMENT.match(template, start)
        action = comment or _ACTION.match(template, start)
        if action is None:
            raise TemplateError("{{ is not closed by }}", start)
        inner = f'{action[1] or ""}""{action[2] or ""}' if comment else action[1]
        before = _literal(template[end:start], trim)
        trim = re.search(r"\s-\Z", inner) is not None
        yield (
            before.rstrip() if re.match(r"-\s", inner) else before,
            re.sub(r"\A-\s|\s-\Z", "", inner).strip(),
            start,
        )
        end = action.end()
    yield _literal(template[end:], trim), None, end


def _literal(text: str, trim: bool) -> str:
    return text.lstrip() if trim else text


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise TemplateError("an action of a template returns a map, but text is expected")
    return value
