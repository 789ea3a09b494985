"""What the reference page of the store's keys has from the code: the keys, and the rights to them.

`python -m rondpoint.store.reference docs/reference/redis.md` writes it there.
"""

from __future__ import annotations

import re

from rondpoint.reference_pages import refill, table
from rondpoint.store.keys import Keys
from rondpoint.store.rights import PUBLISHED, USES, Parties, Use, rules

_VALUE = re.compile(r"`([A-Z][a-z][A-Za-z]*)`")
_KEYS = Keys()
_PREFIX = _KEYS.revision.removesuffix("revision")


def blocks() -> dict[str, str]:
    """By name."""
    users = (f"user rondpoint-{party} on >SECRET {rules(party, _KEYS)}" for party in ("agent", "proxy"))
    return {"keys": _keys(), "rights": "\n```\n" + "\n".join(users) + "\n```\n"}


def _keys() -> str:
    rows = [
        (
            f"`{_shown(use.key(_KEYS))}`",
            use.kind,
            _linked(use.contents),
            _named(use.writers),
            _readers(use),
            use.expires,
        )
        for use in USES
    ]
    part = _KEYS.part("NAME")
    names = (f"`{_shown(getattr(part, name))}`" for name in PUBLISHED)
    told = "what agent NAME contributes, in the form of the installation's own"
    rows.append((", ".join(names), "", told, "agent", "agent", ""))
    return table(("key", "type", "contents", "written by", "read by", "goes"), rows)


def _shown(key: str) -> str:
    return key.replace(_PREFIX, "…:")


def _linked(contents: str) -> str:
    """Names of values lead to where they are described."""
    return _VALUE.sub(lambda found: f"[{found[1]}](#{found[1].lower()})", contents)


def _readers(use: Use) -> str:
    taken = ", which takes it out" if use.takers else ""
    return f"{_named(use.readers)}{taken}"


def _named(parties: Parties) -> str:
    return ", ".join(parties)


if __name__ == "__main__":
    refill(blocks())
