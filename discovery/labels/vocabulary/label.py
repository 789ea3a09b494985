"""What there is to say of one label."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from msgspec import Struct

from rondpoint.reference_pages import first_clause, shown_default


class Support(Enum):
    """What becomes of it, in the words of the pages."""

    SERVED = "yes"
    STORED = "stored"
    UNSERVED = "no: a warning"
    RESPONDS_503 = "no: its routers answer 503"
    LEFT_OUT = "no: the router is left out"


class Label(Struct, frozen=True):
    """`name` as it stands below `traefik.`, or in a file; NAME in it is any.

    - `read` and `default`: the reader that its decoder asks with, and what stands where none is given. Where
      the decoder asks otherwise, `read` is None and `values` says what may be written.
    - `default_text`: what stands where none is given, in words, where `default` is not what people would call it.
    - `example`: a value that can be read, of which nothing has to be told unless `support` is a reason to.
    - `requires`: names of others without which it has no meaning.
    - `translates_to`: the option of a middleware of Traefik 3 that it is, `basicAuth.users`.
    """

    name: str
    example: str
    description: str = ""
    read: Callable[[object], Any] | None = None
    default: Any = None
    values: str = ""
    default_text: str = ""
    support: Support = Support.SERVED
    requires: tuple[str, ...] = ()
    translates_to: str = ""

    @property
    def shown_values(self) -> str:
        """What may be written, for a cell of a table."""
        return self.values if self.read is None or self.values else first_clause(self.read)

    @property
    def shown_default(self) -> str:
        return self.default_text or shown_default(self.default)
