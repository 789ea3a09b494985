"""Headers as they stand in the access log: kept, dropped or redacted, each by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogHeaders, Mode

REDACTED = "REDACTED"

_LINE = re.compile(rb"\r\n([^\r\n:]+):[ \t]*([^\r\n]*)")
_NAMED = rb"\r\n((?i:%b)):[ \t]*([^\r\n]*)"
BY_DEFAULT = {"referer": Mode.KEEP, "user-agent": Mode.KEEP}

T = TypeVar("T")


def modes(options: AccessLogHeaders, *, request: bool = True) -> tuple[Mapping[str, Mode], Mode]:
    """Modes by name in lower case, and that of all others, for requests or for responses."""
    if options.default_mode is not None:
        return options.names, options.default_mode
    return {**(BY_DEFAULT if request else {}), **options.names}, Mode.DROP


def canonical(name: str) -> str:
    """`user-agent` as `User-Agent`."""
    return "-".join(word.capitalize() for word in name.split("-"))


class LoggedHeaders(Generic[T]):
    """Reads header lines, each with a leading CRLF; `kept` has what stands in a log, by those lines."""

    def __init__(
        self,
        prefix: str,
        named: Mapping[str, Mode],
        default: Mode,
        text: Callable[[bytes], str],
        form: Callable[[dict[str, str]], T],
    ) -> None:
        """`prefix` goes before the names; values are made `text`, and what stands in a log by `form`."""
        self._named = named
        self._default = default
        self._form = form
        # Where few are wanted, the others need not be taken apart.
        names = b"|".join(re.escape(name.encode()) for name in named) or b"(?!)"
        self._find = (_LINE if default is not Mode.DROP else re.compile(_NAMED % names)).findall
        self._prefix = prefix
        self._names = ValueCache(self._name)
        self._texts = ValueCache(text)
        self.kept: ValueCache[bytes, T] = ValueCache(self._read)

    @property
    def wanted(self) -> bool:
        """Whether any header can be in a line."""
        return self._default is not Mode.DROP or any(mode is not Mode.DROP for mode in self._named.values())

    def _name(self, raw: bytes) -> tuple[str, Mode]:
        """What it is called in a log, and what becomes of it there."""
        name = raw.decode("latin-1").lower()
        # Go keeps it apart from headers, and so it is in a field of its own.
        mode = Mode.DROP if name == "host" else self._named.get(name, self._default)
        return self._prefix + canonical(name), mode

    def _read(self, headers: bytes) -> T:
        """Values of lines with the same name are joined by commas."""
        values: dict[str, str] = {}
        for raw, value in self._find(headers):
            name, mode = self._names[raw]
            if mode is Mode.KEEP:
                text = self._texts[value]
                values[name] = f"{values[name]},{text}" if name in values else text
            elif mode is Mode.REDACT:
                values[name] = REDACTED
        return self._form(values)
