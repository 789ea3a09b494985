"""Declares the values of a settings section: type, parser, default and description, all in one place.

Sections are classes of attrs, and the parsers are its converters: each kind of value has a parser of its own
for Traefik's notation. pydantic, which also only called these, would take 10 MB in every process that reads
settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import attrs

REQUIRED = attrs.NOTHING
"""The default of a value that must be given."""

DESCRIPTION, EXCLUDE = "description", "exclude"
"""Keys of the metadata of a value."""


@dataclass(frozen=True, slots=True)
class Parse:
    """Names the parser of a type: `Annotated[float, Parse(parse_duration)]`.

    The parser gets the value as written. It returns a value of the type, or raises ValueError with a text
    that says what it expects. It also accepts a value of the type itself.
    """

    parser: Callable[[object], object]


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
    metadata = {DESCRIPTION: description, EXCLUDE: exclude}
    if default_factory is not None:
        return attrs.field(factory=default_factory, metadata=metadata)
    return attrs.field(default=default, metadata=metadata)
