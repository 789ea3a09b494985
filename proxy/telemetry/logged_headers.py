"""Headers as they stand in the access log: kept, dropped or redacted, each by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rondpoint.settings import AccessLogHeaders, Mode

REDACTED = "REDACTED"

KEPT = 500
"""Sets of headers, of up to KEPT_BYTES each, that are remembered as they stand in a line."""
KEPT_BYTES = 2048

_LINE = re.compile(rb"\r\n([^\r\n:]+):[ \t]*([^\r\n]*)")
_NAMED = rb"\r\n((?i:%b)):[ \t]*([^\r\n]*)"
BY_DEFAULT = {"referer": Mode.KEEP, "user-agent": Mode.KEEP}


def modes(options: AccessLogHeaders, *, request: bool = True) -> tuple[Mapping[str, Mode], Mode]:
    """Modes by name in lower case, and that of all others, for requests or for responses."""
    if options.default_mode is not None:
        return options.names, options.default_mode
    return {**(BY_DEFAULT if request else {}), **options.names}, Mode.DROP


def canonical(name: str) -> str:
    """`user-agent` as `User-Agent`."""
    return "-".join(word.capitalize() for word in name.split("-"))


class LoggedHeaders:
    """Reads header lines, each with a leading CRLF; much the same is said again, so what was read is kept."""

    def __init__(
        self,
        prefix: str,
        named: Mapping[str, Mode],
        default: Mode,
        text: Callable[[bytes], str],
    ) -> None:
        """`prefix` goes before the names; values are made `text`."""
        self._prefix = prefix
        self._named = named
        self._default = default
        self._text = text
        self.kept: dict[bytes, dict[str, str]] = {}
        # Where few are wanted, the others need not be taken apart.
        names = b"|".join(re.escape(name.encode()) for name in named) or b"(?!)"
        self._find = (_LINE if default is not Mode.DROP else re.compile(_NAMED % names)).findall

    @property
    def wanted(self) -> bool:
        """Whether any header can be in a line."""
        return self._default is not Mode.DROP or any(mode is not Mode.DROP for mode in self._named.values())

    def read(self, headers: bytes) -> dict[str, str]:
        """What stands in a line; values of lines with the same name are joined by commas."""
        found = self.kept.get(headers)
        if found is not None:
            return found
        values: dict[str, list[str]] = {}
        for raw, value in self._find(headers):
            name = raw.decode("latin-1").lower()
            # Go keeps it apart from headers, and so it is in a field of its own.
            mode = Mode.DROP if name == "host" else self._named.get(name, self._default)
            if mode is Mode.KEEP:
                values.setdefault(name, []).append(self._text(value))
            elif mode is Mode.REDACT:
                values[name] = [REDACTED]
        found = {self._prefix + canonical(name): ",".join(each) for name, each in values.items()}
        if len(headers) <= KEPT_BYTES:
            if len(self.kept) >= KEPT:
                self.kept.clear()
            self.kept[headers] = found
        return found
