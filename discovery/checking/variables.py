"""Variables in the values of a compose file, as docker compose fills them in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_USE = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:?[-?+])([^}]*))?\}|(\w+))")


class Variables:
    """Those of the environment, and of the file `.env`; names that were used and are in neither are kept."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.unset: set[str] = set()

    def fill(self, text: str) -> str:
        """The text with values in the place of variables."""
        return _USE.sub(self._value, text)

    def _value(self, use: re.Match[str]) -> str:
        dollar, braced, how, other, bare = use.groups()
        if dollar:
            return "$"
        name = braced or bare
        value = self._values.get(name)
        is_given = value is not None and (value != "" or not (how or "").startswith(":"))
        if how and how.endswith("+"):
            return str(other) if is_given else ""
        if is_given:
            return str(value)
        if how and how.endswith("-"):
            return str(other)
        if value is None or how:
            self.unset.add(name)
        return ""


def read_env(path: Path) -> dict[str, str]:
    """What `.env` says; nothing where there is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            bare = value.strip()
            quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'"
            found[name.strip()] = bare[1:-1] if quoted else bare.partition(" #")[0].rstrip()
    return found
