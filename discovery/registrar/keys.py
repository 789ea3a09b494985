"""Reads the `SERVICE_…` keys of a container for one of its ports."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

PREFIX = "SERVICE_"
_SEPARATOR = re.compile(r"(?<!\\),")


class Keys(Struct, frozen=True):
    """The keys of one port.

    `values`: key in lower case, without prefix and port → value. `port_specific`: the keys that name the
    port.
    """

    values: Mapping[str, str]
    port_specific: frozenset[str]

    def get(self, key: str) -> str:
        """Return the value of a key, empty if there is none."""
        return self.values.get(key, "")


def port_keys(environment: Mapping[str, str], labels: Mapping[str, str], port: int) -> Keys:
    """Return the keys for `port`: labels override variables, and keys that name the port override both."""
    general: dict[str, str] = {}
    special: dict[str, str] = {}
    for name, value in [*environment.items(), *labels.items()]:
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower()
        number, found, rest = key.partition("_")
        if not (found and number.isascii() and number.isdigit()):
            general[key] = value
        elif number.lstrip("0") == str(port):
            special[rest] = value
    return Keys({**general, **special}, frozenset(special))


def split_tags(written: str) -> tuple[str, ...]:
    r"""Split tags at commas; `\,` is a comma within a tag. Empty tags are dropped."""
    return tuple(each.replace("\\,", ",") for each in _SEPARATOR.split(written) if each)
