"""The building blocks of option schemas: options and groups of options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from msgspec import Struct


class Secrecy(Enum):
    """The visible part of a value: all, none, or of headers only those without secrets."""

    OPEN = auto()
    HIDDEN = auto()
    HEADERS = auto()


class Doubt(Struct, frozen=True):
    """Why a valid value probably does not do what its author meant, and what would."""

    message: str
    hint: str


class Option(Struct, frozen=True):
    """One option: `read` converts the written value to its canonical value, or raises ValueError.

    `default` is the value if none is given; with None there is no value then. `refers` marks names of other
    objects, which are qualified by the provider that names them. `doubt` looks at the canonical value; its
    message must not contain the value of a secret option.
    """

    read: Callable[[object], Any]
    default: Any = None
    required: bool = False
    secrecy: Secrecy = Secrecy.OPEN
    refers: bool = False
    doubt: Callable[[Any], Doubt | None] | None = None


class Group(Struct, frozen=True):
    """Options below a name, by their names in Traefik 3 spelling.

    `may_be_bare`: `true` in place of options means all their defaults (`compress=true`).
    `one_of`: at least one of these must be given. `guards`: the kind refuses requests, so an unknown option
    is a fatal error.
    """

    options: Mapping[str, Option | Group]
    may_be_bare: bool = False
    one_of: tuple[str, ...] = ()
    guards: bool = False


def group(**options: Option | Group) -> Group:
    """Return a group of options below a kind."""
    return Group(MappingProxyType(options))


def kind(
    options: Mapping[str, Option | Group],
    *,
    may_be_bare: bool = False,
    one_of: tuple[str, ...] = (),
    guards: bool = False,
) -> Group:
    """Return the schema of one kind of middleware."""
    return Group(MappingProxyType(dict(options)), may_be_bare, one_of, guards)
