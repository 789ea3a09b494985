"""Consul's tags as labels, and as the templates of rules see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

LABEL_PREFIX = "traefik."


def labels_from_tags(tags: Iterable[str], prefix: str) -> dict[str, str]:
    """`PREFIX.key=value` becomes `traefik.key` → `value`, a bare `PREFIX.key` means true.

    Prefixes and names compare without regard to case; of a name that comes twice the first counts.
    """
    lead = f"{prefix}." if prefix else ""
    found: dict[str, tuple[str, str]] = {}
    for tag in tags:
        name, equals, value = tag.partition("=")
        name = name.strip()
        if name.lower().startswith(lead.lower()) and len(name) > len(lead):
            key = LABEL_PREFIX + name[len(lead) :]
            found.setdefault(key.lower(), (key, value if equals else "true"))
    return dict(found.values())


class Attributes(Mapping[str, str]):
    """The tags of a service, as `.Attributes` in a template: name in lower case → value, or the bare tag.

    `read` are the names that were looked up, found or not.
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
