"""The environment variables of a DNS provider, as lego reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from discovery.acme.dns.errors import ConfigurationError

FILE_SUFFIX = "_FILE"
"""If `NAME` is not set, `NAME_FILE` names a file with its value."""

MASK = "***"
MIN_SECRET = 4
"""Characters of the shortest value that `redact` masks; masking shorter ones would garble texts."""


class Environment:
    """Reads variables, each also under other names, and remembers the values that are secret."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Read from `variables`, at each call anew."""
        self._variables = variables
        self._secrets = set[str]()

    def text(self, *names: str) -> str:
        """Return the value of the first of these variables that is set, or else ``.

        Raises ConfigurationError if a file cannot be read.
        """
        for name in names:
            if value := self._variables.get(name) or self._file_content(name):
                return value
        return ""

    def secret(self, *names: str) -> str:
        """Return what `text` returns; `redact` masks the value from now on."""
        value = self.text(*names)
        self.mask(value)
        return value

    def mask(self, value: str) -> None:
        """Have `redact` mask this value."""
        if len(value) >= MIN_SECRET:
            # HTTP clients put URLs into their errors, with secrets in the query.
            self._secrets |= {value, quote(value), quote(value, safe=""), quote_plus(value)}

    def seconds(self, default: float, *names: str) -> float:
        """Return a number of seconds. Raises ConfigurationError if it is not a whole number."""
        return self.integer(int(default), *names) if self.text(*names) else default

    def integer(self, default: int, *names: str) -> int:
        """Return a number. Raises ConfigurationError if it is not a whole number."""
        value = self.text(*names)
        if not value:
            return default
        if not (value.isascii() and value.isdigit()):
            raise ConfigurationError(f"{self.spelling(*names)} is no whole number: {value!r}")
        return int(value)

    def boolean(self, *names: str) -> bool:
        """Return whether a variable is true, in one of Go's spellings."""
        return self.text(*names).lower() in {"1", "t", "true"}

    def spelling(self, *names: str) -> str:
        """Return the first of these names that is set, as it is set, or else the first."""
        for name in names:
            for spelled in (name, f"{name}{FILE_SUFFIX}"):
                if self._variables.get(spelled):
                    return spelled
        return names[0]

    def redact(self, text: str) -> str:
        """Mask the secrets that have been read, longest first."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def _file_content(self, name: str) -> str:
        path = self._variables.get(f"{name}{FILE_SUFFIX}")
        if not path:
            return ""
        try:
            return Path(path).read_text().removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigurationError(f"{name}{FILE_SUFFIX}: cannot read {path}: {reason}") from None
