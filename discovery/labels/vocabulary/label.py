"""The description of one label."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from msgspec import Struct

from rondpoint.reference_pages import first_clause, format_default


class Support(Enum):
    """How the proxy supports a label, in the words of the reference pages."""

    SERVED = "yes"
    STORED = "stored"
    UNSERVED = "no: a warning"
    SWARM_ONLY = "for services of Swarm; else a warning"
    LEFT_OUT = "no: the router is left out"
    NO_EFFECT = "no, as with Traefik"
    NO_EFFECT_NOTED = "no: a note"
    CLOSING = "no: 503"
    CLOSING_TCP = "no: closed"


class Label(Struct, frozen=True):
    """One label or option; `name` is its key below `traefik.` or in a file, where NAME stands for any name.

    - `read` and `default`: the decoder's reader and default. If the decoder uses no reader, `read` is None
      and `values` describes the values.
    - `default_text`: the default in words, if `default` would not be clear on the page.
    - `example`: a valid value, which gives no diagnostic unless `support` is a reason for one.
    - `requires`: names of labels without which this one has no effect.
    - `translates_to`: the option of a Traefik 3 middleware that the label becomes, such as `basicAuth.users`.
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
        """The valid values, for a cell of a table."""
        return self.values if self.read is None or self.values else first_clause(self.read)

    @property
    def shown_default(self) -> str:
        """The default, for a cell of a table."""
        return self.default_text or format_default(self.default)
