"""The decorator that makes a function a middleware, and the definition that it leaves at the function."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rondpoint.middleware.option_schema import read_options
from rondpoint.middleware.request import Request
from rondpoint.middleware.response import Response

Forward = Callable[[Request], Response]
"""Sends the request on: to the next middleware, and at last to the server. Returns the response."""

Handle = Callable[[Request, Forward], Response]
"""A middleware whose options are bound."""

F = TypeVar("F", bound=Callable[..., Response])

# Labels separate names by dots.
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ATTRIBUTE = "__rondpoint_middleware__"


@dataclass(frozen=True, slots=True)
class Definition:
    """A middleware in Python: its name, its function, and the class of its options, if it has any."""

    name: str
    function: Callable[..., Response]
    options: type | None = None

    def bind(self, options: Mapping[str, Any]) -> Handle:
        """Return the function with these options, as a user has written them. Raises ValueError."""
        function = self.function
        value = read_options(self.options, options)
        if self.options is None:
            return function
        return lambda request, forward: function(request, forward, value)


def middleware(name: str, *, options: type | None = None) -> Callable[[F], F]:
    """Make the decorated function the middleware `name`.

    The function gets the request and `forward`, and returns a response. With `options`, a msgspec Struct or a
    pydantic model, it gets a value of this class as third argument. Raises ValueError for an invalid name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name for a middleware: expected letters, digits, - and _")

    def define(function: F) -> F:
        setattr(function, _ATTRIBUTE, Definition(name, function, options))
        return function

    return define


def definition_of(value: object) -> Definition | None:
    """Return the definition of a decorated function; None for anything else."""
    found = getattr(value, _ATTRIBUTE, None)
    return found if isinstance(found, Definition) else None
