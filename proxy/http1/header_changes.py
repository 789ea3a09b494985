"""Sets and removes header lines of several names in one pass."""

from __future__ import annotations

import re
from collections.abc import Mapping

from proxy.http1.header_lines import header_line


class HeaderChanges:
    """Values of headers by name, compiled; an empty value removes the header.

    A value replaces all lines of its name, and its line goes to the end. Of names that differ only in case,
    the last one counts.
    """

    __slots__ = ("_added", "_replaced")

    def __init__(self, values: Mapping[str, str]) -> None:
        """Compile at least one value. Raises ValueError for what no header line may contain."""
        chosen = {name.lower(): (name, value) for name, value in values.items()}
        lines = {name: header_line(*pair) for name, pair in chosen.items()}
        self._added = b"".join(line for name, line in lines.items() if chosen[name][1])
        names = b"|".join(re.escape(name.encode()) for name in chosen)
        self._replaced = re.compile(rb"\r\n(?i:%b):[^\r\n]*" % names)

    def apply(self, lines: bytes) -> bytes:
        """Return `lines`, each of which begins with CRLF, after the changes."""
        return self._replaced.sub(b"", lines) + self._added
