"""The `SERVICE_…` keys of a container, for one of its ports."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

PREFIX = "SERVICE_"
_SEPARATOR = re.compile(r"(?<!\\),")


class Keys(Struct, frozen=True):
    """`values`: key in small letters, without prefix and port → value; `of_port`: those naming the port."""

    values: Mapping[str, str]
    port_specific: frozenset[str]

    def get(self, key: str) -> str:
        """The value, empty when there is none."""
        return self.values.get(key, "")


def port_keys(environment: Mapping[str, str], labels: Mapping[str, str], port: int) -> Keys:
    """What is said for `port`: labels beat the environment, and what names the port beats both."""
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
    r"""The tags of a list separated by commas; `\,` is a comma within one; empty ones count for nothing."""
    return tuple(each.replace("\\,", ",") for each in _SEPARATOR.split(written) if each)
