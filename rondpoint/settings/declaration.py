"""Declares the values of a settings section: type, parser, default and description, all in one place.

Settings need no validation library, because each kind of value has a parser of its own for Traefik's
notation. pydantic would take 10 MB in every process that reads settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

REQUIRED: Final = object()
"""The default of a value that must be given."""


@dataclass(frozen=True, slots=True)
class Parse:
    """Names the parser of a type: `Annotated[float, Parse(parse_duration)]`.

    The parser gets the value as written. It returns a value of the type, or raises ValueError with a text
    that says what it expects. It also accepts a value of the type itself.
    """

    parser: Callable[[object], object]


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """What a section says about one of its values, beside the type; see `Field`."""

    default: Any = REQUIRED
    default_factory: Callable[[], Any] | None = None
    description: str = ""
    exclude: bool = False

    def make_default(self) -> Any:
        """Return the default, or REQUIRED."""
        return self.default if self.default_factory is None else self.default_factory()


def Field(  # noqa: N802 - stands in a class for the value that it declares
    *,
    default: Any = REQUIRED,
    default_factory: Callable[[], Any] | None = None,
    description: str = "",
    exclude: bool = False,
) -> Any:
    """Declare a value of a section, for the type checker as a value of any type.

    Without `default` and `default_factory` it must be given. `exclude`: it is computed from other settings,
    so nobody can set it.
    """
    return FieldOptions(default, default_factory, description, exclude)
