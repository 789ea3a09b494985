"""Host names as rules compare them."""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_IPV6 = re.compile(r"\[[0-9a-f:.]+\]")
_PORT = re.compile(r":[0-9]*\Z")


class HostError(ValueError):
    """A value that is no host name; `hint` says what would be, possibly empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def normalise(host: str) -> str:
    """`host` in lower case, without port and trailing dot; IPv6 addresses keep their brackets.

    Raises HostError for what no `Host` header can name.
    """
    if not host.isascii():
        raise HostError(f"host {host!r} has characters outside ASCII", "write it in its xn-- form")
    if "*" in host:
        raise HostError(f"a wildcard as in host {host!r} is not served yet", "name each host")
    name = _PORT.sub("", host.lower(), count=1).removesuffix(".")
    if not (_NAME.fullmatch(name) or _IPV6.fullmatch(name)):
        raise HostError(f"{host!r} is not a host name", "expected a name such as app.example.com")
    return name
