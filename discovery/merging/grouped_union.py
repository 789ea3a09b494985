"""A union whose parts come in groups: the instances of a service, or its tasks."""

from __future__ import annotations

from collections.abc import Sequence

from discovery.decoding.decoded import Decoded
from discovery.merging.union import Union
from rondpoint.configuration import Configuration


class GroupedUnion:
    """Decoded parts by group, united into one configuration; the parts of a group are replaced together."""

    def __init__(self, provider: str) -> None:
        self._union = Union(provider)
        self._counts: dict[str, int] = {}

    def put(self, group: str, parts: Sequence[Decoded]) -> None:
        """Replace the parts of a group; without parts, the group is removed."""
        for number, part in enumerate(parts):
            self._union.put(_part_key(group, number), part)
        for number in range(len(parts), self._counts.pop(group, 0)):
            self._union.remove(_part_key(group, number))
        if parts:
            self._counts[group] = len(parts)

    def configuration(self) -> Configuration:
        """Return the configuration of all groups; unchanged objects stay the same objects."""
        return self._union.configuration()


def _part_key(group: str, number: int) -> str:
    return f"{number} {group}"
