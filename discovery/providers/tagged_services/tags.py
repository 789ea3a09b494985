"""Converts tags into labels, and into the attributes that rule templates read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

LABEL_PREFIX = "traefik."

Labels = dict[str, str]


def labels_from_tags(tags: Iterable[str], prefix: str) -> Labels:
    """Convert tags to labels: `PREFIX.key=value` → `traefik.key`: `value`, and `PREFIX.key` → `true`.

    Prefixes and names are case-insensitive. If a name occurs twice, the first one counts.
    """
    tag_prefix = f"{prefix}." if prefix else ""
    found: dict[str, tuple[str, str]] = {}
    for tag in tags:
        name, equals, value = tag.partition("=")
        name = name.strip()
        if name.lower().startswith(tag_prefix.lower()) and len(name) > len(tag_prefix):
            key = LABEL_PREFIX + name[len(tag_prefix) :]
            found.setdefault(key.lower(), (key, value if equals else "true"))
    return dict(found.values())


class Attributes(Mapping[str, str]):
    """The tags of a service as `.Attributes` in a template: name in lower case → value, else the whole tag.

    `names_read` are the names that a template looked up, whether found or not.
    """

    def __init__(self, tags: Iterable[str], prefix: str) -> None:
        self.prefix = prefix
        self.names_read: set[str] = set()
        self._values: dict[str, str] = {}
        for tag in tags:
            name, equals, value = tag.partition("=")
            self._values.setdefault(name.lower(), value if equals else tag)

    def __getitem__(self, name: str) -> str:
        self.names_read.add(name.lower())
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
