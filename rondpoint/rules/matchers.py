"""The matchers of both rule languages: which are served, and what their values must be."""

from __future__ import annotations

from collections.abc import Callable

from rondpoint.rules.hosts import HostError, normalise


class ValueFault(ValueError):  # noqa: N818 - RuleError is the error; this is how it begins
    """A value that its matcher cannot take; `hint` says what it can, possibly empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def _host(value: str) -> str:
    try:
        return normalise(value)
    except HostError as error:
        raise ValueFault(str(error), error.hint) from None


def _path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueFault(f"path {value!r} does not start with /", f"write /{value}")
    return value


SERVED: dict[str, Callable[[str], str]] = {"Host": _host, "Path": _path, "PathPrefix": _path}
"""Name in Traefik 3 spelling → the value as the expression tree holds it; raises ValueFault."""
