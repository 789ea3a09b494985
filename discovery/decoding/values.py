"""Readers of option values, which are text in labels, and also numbers and booleans in files.

Each reader raises ValueError; its text says what was expected and becomes a hint. The reference pages take
the description of a reader's values from the beginning of its docstring.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

from rondpoint.model import Scheme, Verbosity
from rondpoint.rules.hosts import HostError, normalise
from rondpoint.tls.model import TlsVersion

TRUE = frozenset(["1", "t", "T", "TRUE", "true", "True"])
FALSE = frozenset(["0", "f", "F", "FALSE", "false", "False"])
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}\Z")
_SCHEMES: dict[str, Scheme] = {name: name for name in get_args(Scheme)}
_VERBOSITIES: dict[str, Verbosity] = {name: name for name in get_args(Verbosity)}
_TLS_VERSIONS: dict[str, TlsVersion] = {name.lower(): name for name in get_args(TlsVersion)}
_SCHEMES_OF_WEBSOCKET = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS = {"http": 80, "https": 443, "h2c": 80}

MAX_WEIGHT = 65_535
PLAIN_HTTP: Scheme = "http"


def boolean(value: object) -> bool:
    """True or false: as Go's ParseBool, `1 t T TRUE true True` and `0 f F FALSE false False`."""
    if isinstance(value, bool):
        return value
    text = str(value).strip()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ValueError("expected true or false")


def integer(value: object) -> int:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    if not _INTEGER.match(text):
        raise ValueError("expected a whole number")
    return int(text)


def port(value: object) -> int:
    """A port."""
    return _between(value, 1, 65_535, "a port from 1 to 65535")


def weight(value: object) -> int:
    """A whole number from 0 to 65535."""
    return _between(value, 0, MAX_WEIGHT, f"a weight from 0 to {MAX_WEIGHT}")


def verbosity(value: object) -> Verbosity:
    """`minimal` or `detailed`, case-insensitive."""
    found = _VERBOSITIES.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"expected one of {', '.join(_VERBOSITIES)}")
    return found


def scheme(value: object) -> Scheme:
    """`http`, `https` or `h2c`."""
    found = _SCHEMES.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"expected one of {', '.join(_SCHEMES)}")
    return found


def scheme_of_v1(value: object) -> Scheme:
    """`http`, `https` or `h2c`; `ws` means `http`, and `wss` means `https`."""
    written = str(value).strip().lower()
    return scheme(_SCHEMES_OF_WEBSOCKET.get(written, written))


def tls_version(value: object) -> TlsVersion:
    """One of `VersionTLS10`, `VersionTLS11`, `VersionTLS12` and `VersionTLS13`."""
    found = _TLS_VERSIONS.get(text(value).lower())
    if found is None:
        raise ValueError(f"expected one of {', '.join(_TLS_VERSIONS.values())}")
    return found


def text(value: object) -> str:
    """Text: without blanks around it, and not empty."""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise ValueError("expected text")  # noqa: TRY004 - what the user wrote is a value to us
    stripped = str(value).strip()
    if not stripped:
        raise ValueError("expected text, but it is empty")
    return stripped


def one_of(known: tuple[str, ...]) -> Callable[[object], Any]:
    """Return a reader for one of these words, case-insensitive."""

    def read(value: object) -> Any:
        found = text(value).lower()
        if found not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return found

    read.__doc__ = f"One of {', '.join(f'`{word}`' for word in known)}."
    return read


def texts(value: object) -> tuple[str, ...]:
    """A list: as such, or one text with commas between; blanks trimmed, empty items dropped."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, (str, int)) for part in parts):
        raise ValueError("expected a list of texts")
    trimmed = (str(part).strip() for part in parts)
    return tuple(part for part in trimmed if part)


def texts_by_name(value: object) -> dict[str, object]:
    """`NAME:TEXT||NAME:TEXT`: as labels have it, or the same as a tree."""
    if isinstance(value, Mapping):
        return dict(value)
    found: dict[str, object] = {}
    for part in str(value).split("||"):
        name, colon, text = part.partition(":")
        if not colon or not name.strip():
            raise ValueError("expected NAME:VALUE, with || between several")
        found[name.strip()] = text.strip()
    return found


def address(value: object) -> tuple[Scheme, str, int]:
    """A server's URL: scheme, host and port, which is the scheme's own where none is written."""
    expected = "expected a URL such as http://10.0.0.7:80"
    try:
        parts = urlsplit(text(value))
        number = parts.port
    except ValueError:
        raise ValueError(expected) from None
    if not parts.scheme or not parts.hostname:
        raise ValueError(expected)
    found = scheme(parts.scheme)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with user and password is not served")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{expected}, without path and query")
    if number == 0:
        raise ValueError("expected a port from 1 to 65535")
    return found, host(parts.hostname), number or _DEFAULT_PORTS[found]


def host_and_port(value: object) -> tuple[str, int]:
    """A server's address: host and port, such as `10.0.0.7:5432` or `[::1]:53`."""
    expected = "expected an address such as 10.0.0.7:5432"
    written = text(value)
    name, colon, number = written.rpartition(":")
    if "//" in written:
        raise ValueError(f"{expected}, without a scheme")
    bracketed = name.startswith("[") and name.endswith("]")
    if not colon or not name or (":" in name and not bracketed):
        raise ValueError(expected)
    return host(name.removeprefix("[").removesuffix("]")), port(number)


def host(value: str) -> str:
    """A host name, or an address without brackets."""
    bracket_ipv6 = f"[{value}]" if ":" in value else value
    try:
        return normalise(bracket_ipv6).strip("[]")
    except HostError as error:
        raise ValueError(str(error)) from None


def _between(value: object, low: int, high: int, expected: str) -> int:
    try:
        number = integer(value)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise ValueError(f"expected {expected}")
    return number
