"""Normalises the host names in rules."""

from __future__ import annotations

import re

import idna

from rondpoint.rules.patterns import literal
from rondpoint.rules.request_normalisation import bracket_ipv6

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PORT = re.compile(r":[0-9]*\Z")
_WILDCARD_START = r"^[^.]+\."
_ESCAPED = re.compile(r"\\(.)")

ANY_HOST = "^"
"""The regular expression for `*`: it matches every host, also an empty one."""


class HostError(ValueError):
    """A value that is no host name; `hint` says what would be right, possibly empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def normalise(host: str) -> str:
    """Return `host` in lower case, without port and trailing dot, in ASCII (RFC 5891); IPv6 in brackets.

    Raises HostError for a value that no `Host` header can have.
    """
    bare = bracket_ipv6(host)
    if bare is not None:
        return bare
    name = _PORT.sub("", host.lower(), count=1).removesuffix(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError as error:
            raise HostError(f"{host!r} is not a host name: {error}") from None
    if "*" in name:
        raise HostError(f"host {host!r} has a * that is not its first label", "expected *.example.com")
    address = bracket_ipv6(name[1:-1]) if name.startswith("[") and name.endswith("]") else None
    if address is None and not _NAME.fullmatch(name):
        raise HostError(f"{host!r} is not a host name", _host_hint(host))
    return address or name


def _host_hint(host: str) -> str:
    if "{" in host:
        return "patterns are for HostRegexp"
    _, scheme, rest = host.rpartition("://")
    name, path, _ = rest.partition("/")
    if scheme and _NAME.fullmatch(name.lower()):
        return f"write the name alone: {name}"
    return "paths are for Path and PathPrefix" if path else "expected a name such as app.example.com"


def wildcard(host: str) -> str | None:
    """Return the regular expression for `*` or for `*.example.com`, in which `*` is one label.

    Return None for a host without wildcard. Raises HostError.
    """
    if host == "*":
        return ANY_HOST
    if not host.startswith("*."):
        return None
    return f"{_WILDCARD_START}{literal(normalise(host[2:]))}$"


def wildcard_of_pattern(pattern: str) -> str | None:
    """Return the host with wildcard for which `wildcard` returns this expression; None if there is none."""
    if not pattern.startswith(_WILDCARD_START) or not pattern.endswith("$"):
        return None
    escaped = pattern[len(_WILDCARD_START) : -1]
    name = _ESCAPED.sub(r"\1", escaped)
    return f"*.{name}" if literal(name) == escaped else None
