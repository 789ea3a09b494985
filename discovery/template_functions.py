"""The functions of default rules: Go's, Traefik's, and plain ones on text of the sprig library.

Each is given as many values as it takes; the last is what a pipe passes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from discovery.decoding.names import normalise

Value = str | Mapping[str, str]
Function = Callable[..., Value]


class TemplateError(ValueError):
    """A template that cannot be read or filled in; `str()` is one line."""


def _index(mapping: Value, key: Value) -> Value:
    if isinstance(mapping, str):
        raise TemplateError("index looks into a map such as .Labels, not into text")
    if not isinstance(key, str):
        raise TemplateError("index takes text, not a map")
    return mapping.get(key, "")


def _on_text(name: str, function: Callable[..., str]) -> Function:
    def checked(*values: Value) -> Value:
        if not all(isinstance(value, str) for value in values):
            raise TemplateError(f"{name} takes text, not a map")
        return function(*values)

    return checked


_TEXT: Mapping[str, tuple[int, Callable[..., str]]] = {
    "default": (2, lambda otherwise, text: text or otherwise),
    "lower": (1, str.lower),
    "nospace": (1, lambda text: "".join(text.split())),
    "normalize": (1, normalise),
    "replace": (3, lambda old, new, text: text.replace(old, new)),
    "trim": (1, str.strip),
    "trimAll": (2, lambda characters, text: text.strip(characters)),
    "trimPrefix": (2, lambda prefix, text: text.removeprefix(prefix)),
    "trimSuffix": (2, lambda suffix, text: text.removesuffix(suffix)),
    "upper": (1, str.upper),
}

FUNCTIONS: Mapping[str, tuple[int, Function]] = {
    "index": (2, _index),
    **{name: (count, _on_text(name, function)) for name, (count, function) in _TEXT.items()},
}
"""Name → how many values it takes, and itself."""
