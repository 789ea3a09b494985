"""What a schema of options is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from msgspec import Struct


class Secrecy(Enum):
    """What of a value people may see: all of it, or no part; of headers, those that carry no secret."""

    OPEN = auto()
    HIDDEN = auto()
    HEADERS = auto()


class Option(Struct, frozen=True):
    """One option: `read` brings what was written to its canonical value, or raises ValueError.

    `default` stands where none is given; None: there is no value then. `refers` marks names of other
    objects, which are qualified by the provider that names them.
    """

    read: Callable[[object], Any]
    default: Any = None
    required: bool = False
    secrecy: Secrecy = Secrecy.OPEN
    refers: bool = False


class Group(Struct, frozen=True):
    """Options below a name, by their names in Traefik 3 spelling.

    `may_be_bare`: `true` in the place of options means all their defaults (`compress=true`).
    `one_of`: at least one of these must be given. `guards`: its kind keeps requests out, so that a
    name in it that is not known is a fault rather than a slip.
    """

    options: Mapping[str, Option | Group]
    may_be_bare: bool = False
    one_of: tuple[str, ...] = ()
    guards: bool = False


def group(**options: Option | Group) -> Group:
    """A group below a kind."""
    return Group(MappingProxyType(options))


def kind(
    options: Mapping[str, Option | Group],
    *,
    may_be_bare: bool = False,
    one_of: tuple[str, ...] = (),
    guards: bool = False,
) -> Group:
    """The schema of one kind of middleware."""
    return Group(MappingProxyType(dict(options)), may_be_bare, one_of, guards)
