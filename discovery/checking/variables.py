"""Variables in the values of a compose file, as docker compose fills them in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_USE = re.compile(r"\$(?:(\$)|\{(\w+)(:?[-?+])?|(\w+))")
_BRACES = re.compile(r"\$\$|\$\{|\}")

DEEPEST = 20
"""Variables in what stands for other ones."""


class Variables:
    """Those of the environment, and of the file `.env`; names that were used and are in neither are kept."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.unset: set[str] = set()

    def fill(self, text: str) -> str:
        """The text with values in the place of variables."""
        return self._filled(text, 0)

    def _filled(self, text: str, depth: int) -> str:
        if depth > DEEPEST or "$" not in text:
            return text
        ends = _ends(text)
        filled, place = [], 0
        while use := _USE.search(text, place):
            filled.append(text[place : use.start()])
            dollar, braced, how, bare = use.groups()
            place = use.end()
            if dollar:
                filled.append("$")
            elif bare:
                filled.append(self._value(bare))
            else:
                end = ends.get(use.start(), 0)
                if end == place or (end and how):
                    filled.append(self._value(braced, how or "", text[place:end], depth))
                    place = end + 1
                else:
                    filled.append(use[0])
        return "".join((*filled, text[place:]))

    def _value(self, name: str, how: str = "", other: str = "", depth: int = 0) -> str:
        value = self._values.get(name)
        is_given = value is not None and (value != "" or not how.startswith(":"))
        if how.endswith("+"):
            return self._filled(other, depth + 1) if is_given else ""
        if is_given:
            return str(value)
        if how.endswith("-"):
            return self._filled(other, depth + 1)
        if value is None or how:
            self.unset.add(name)
        return ""


def _ends(text: str) -> dict[int, int]:
    """Where each `${` is closed."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACES.finditer(text):
        if brace[0] == "${":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            ends[opened.pop()] = brace.start()
    return ends


def read_env(path: Path) -> dict[str, str]:
    """What `.env` says; nothing where there is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    found = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            bare = value.strip()
            quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'"
            found[name.strip()] = bare[1:-1] if quoted else bare.partition(" #")[0].rstrip()
    return found
