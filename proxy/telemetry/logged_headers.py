"""Selects the headers for the access log: keeps, drops or redacts each by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogHeaders, FieldMode

REDACTED = "REDACTED"

_LINE = re.compile(rb"\r\n([^\r\n:]+):[ \t]*([^\r\n]*)")
_NAMED = rb"\r\n((?i:%b)):[ \t]*([^\r\n]*)"
BY_DEFAULT = {"referer": FieldMode.KEEP, "user-agent": FieldMode.KEEP}

T = TypeVar("T")


def modes(options: AccessLogHeaders, *, request: bool = True) -> tuple[Mapping[str, FieldMode], FieldMode]:
    """Return the modes by lower-case header name, and the mode of all other headers.

    By default requests keep `Referer` and `User-Agent`; responses keep nothing.
    """
    if options.default_mode is not None:
        return options.names, options.default_mode
    return {**(BY_DEFAULT if request else {}), **options.names}, FieldMode.DROP


def canonical(name: str) -> str:
    """Return the canonical form of a header name: `User-Agent` for `user-agent`."""
    return "-".join(word.capitalize() for word in name.split("-"))


class LoggedHeaders(Generic[T]):
    """Formats header lines, each with a leading CRLF; `kept` maps them to their part of a log line."""

    def __init__(
        self,
        prefix: str,
        named: Mapping[str, FieldMode],
        default: FieldMode,
        text: Callable[[bytes], str],
        form: Callable[[dict[str, str]], T],
    ) -> None:
        """Put `prefix` before the names, convert values with `text` and format the result with `form`."""
        self._named = named
        self._default = default
        self._form = form
        # If only named headers are logged, the expression skips all others.
        names = b"|".join(re.escape(name.encode()) for name in named) or b"(?!)"
        self._find = (_LINE if default is not FieldMode.DROP else re.compile(_NAMED % names)).findall
        self._prefix = prefix
        self._names = ValueCache(self._name)
        self._texts = ValueCache(text)
        self.kept: ValueCache[bytes, T] = ValueCache(self._read)

    @property
    def wanted(self) -> bool:
        """Whether any header can appear in the log."""
        return self._default is not FieldMode.DROP or any(
            mode is not FieldMode.DROP for mode in self._named.values()
        )

    def _name(self, raw: bytes) -> tuple[str, FieldMode]:
        """Return the name of the header's log field, and its mode."""
        name = raw.decode("latin-1").lower()
        # Go does not treat Host as a header; Traefik logs it in a field of its own.
        mode = FieldMode.DROP if name == "host" else self._named.get(name, self._default)
        return self._prefix + canonical(name), mode

    def _read(self, headers: bytes) -> T:
        """Format header lines; join the values of lines with the same name by commas."""
        values: dict[str, str] = {}
        for raw, value in self._find(headers):
            name, mode = self._names[raw]
            if mode is FieldMode.KEEP:
                text = self._texts[value]
                values[name] = f"{values[name]},{text}" if name in values else text
            elif mode is FieldMode.REDACT:
                values[name] = REDACTED
        return self._form(values)
