"""Template functions: those of Go, Traefik's own, and simple text functions of sprig.

A pipe passes its value as the last argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from discovery.decoding.names import normalise

Value = str | bool | Mapping[str, str]
Function = Callable[..., Value]
Functions = Mapping[str, tuple[int | None, Function]]
"""Name → number of arguments (None for one or more) and the function."""


class TemplateError(ValueError):
    """A template that cannot be parsed or evaluated; `str()` is one line.

    `position` is the offset of the invalid action, None if it is unknown.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


def is_true(value: Value) -> bool:
    """Check whether Go's templates treat the value as true: every value that is not empty."""
    return bool(value)


def _index(mapping: Value, key: Value) -> Value:
    if not isinstance(mapping, Mapping):
        raise TemplateError("index looks into a map such as .Labels, not into text")
    if not isinstance(key, str):
        raise TemplateError("index takes text, not a map")
    return mapping.get(key, "")


def _and(*values: Value) -> Value:
    return next((value for value in values if not is_true(value)), values[-1])


def _or(*values: Value) -> Value:
    return next((value for value in values if is_true(value)), values[-1])


def _equal(value: Value, *others: Value) -> Value:
    if not others:
        raise TemplateError("eq takes two values or more, not 1")
    return value in others


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if is_true(value)), "")


def _printf(form: str, *values: str) -> str:
    left = list(values)

    def one(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if not left:
            raise TemplateError(f"printf {form!r} asks for more values than it is given")
        value = left.pop(0)
        return f'"{value}"' if found[1] == "q" else value

    text = re.sub(r"%(?:%|([svq]))", one, form)
    if left:
        raise TemplateError(f"printf {form!r} is given more values than it asks for")
    return text


def _text_only(name: str, function: Callable[..., Value]) -> Function:
    def checked(*values: Value) -> Value:
        if not all(isinstance(value, str) for value in values):
            raise TemplateError(f"{name} takes text, not a map")
        return function(*values)

    return checked


_TEXT: Mapping[str, tuple[int | None, Callable[..., Value]]] = {
    "contains": (2, lambda part, text: part in text),
    "default": (2, lambda otherwise, text: text or otherwise),
    "hasPrefix": (2, lambda prefix, text: text.startswith(prefix)),
    "hasSuffix": (2, lambda suffix, text: text.endswith(suffix)),
    "lower": (1, str.lower),
    "nospace": (1, lambda text: "".join(text.split())),
    "normalize": (1, normalise),
    "printf": (None, _printf),
    "replace": (3, lambda old, new, text: text.replace(old, new)),
    "trim": (1, str.strip),
    "trimAll": (2, lambda characters, text: text.strip(characters)),
    "trimPrefix": (2, lambda prefix, text: text.removeprefix(prefix)),
    "trimSuffix": (2, lambda suffix, text: text.removesuffix(suffix)),
    "upper": (1, str.upper),
}

FUNCTIONS: Functions = {
    "and": (None, _and),
    "coalesce": (None, _coalesce),
    "eq": (None, _equal),
    "index": (2, _index),
    "ne": (2, lambda one, other: one != other),
    "not": (1, lambda value: not is_true(value)),
    "or": (None, _or),
    "ternary": (3, lambda one, other, condition: one if is_true(condition) else other),
    **{name: (count, _text_only(name, function)) for name, (count, function) in _TEXT.items()},
}
