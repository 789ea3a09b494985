"""Replaces variables in the values of a compose file, as docker compose does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)(:?[-?+])?|(\w+))")
_BRACES = re.compile(r"\$\$|\$\{|\}")

MAX_DEPTH = 20
"""Limits variables inside the defaults of other variables."""


class Variables:
    """The variables of the environment and of `.env`; `unset` collects used names that neither defines."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.unset: set[str] = set()

    def fill(self, text: str) -> str:
        """Return the text with each variable replaced by its value."""
        return self._fill(text, 0)

    def _fill(self, text: str, depth: int) -> str:
        if depth > MAX_DEPTH or "$" not in text:
            return text
        ends = _find_ends(text)
        filled, position = [], 0
        while reference := _REFERENCE.search(text, position):
            filled.append(text[position : reference.start()])
            dollar, braced, operator, bare = reference.groups()
            position = reference.end()
            if dollar:
                filled.append("$")
            elif bare:
                filled.append(self._value(bare))
            else:
                end = ends.get(reference.start(), 0)
                if end == position or (end and operator):
                    filled.append(self._value(braced, operator or "", text[position:end], depth))
                    position = end + 1
                else:
                    filled.append(reference[0])
        return "".join((*filled, text[position:]))

    def _value(self, name: str, operator: str = "", alternative: str = "", depth: int = 0) -> str:
        value = self._values.get(name)
        is_set = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return self._fill(alternative, depth + 1) if is_set else ""
        if is_set:
            return str(value)
        if operator.endswith("-"):
            return self._fill(alternative, depth + 1)
        if value is None or operator:
            self.unset.add(name)
        return ""


def _find_ends(text: str) -> dict[int, int]:
    """Return the position of the closing brace for the position of each `${`."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACES.finditer(text):
        if brace[0] == "${":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            ends[opened.pop()] = brace.start()
    return ends


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables of a file such as `.env`; none if it cannot be read."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    variables = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            bare = value.strip()
            is_quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'"
            variables[name.strip()] = bare[1:-1] if is_quoted else bare.partition(" #")[0].rstrip()
    return variables


def unset_hint(variable: str) -> str:
    """Return what to do about a variable that has no value, or was meant as text."""
    return f"set it, give it a default: ${{{variable}:-…}}, or write $$ for a $ of the text"
