"""The generated blocks of the reference page of Redis keys: the table of keys and the ACL rules.

`python -m rondpoint.store.reference docs/reference/redis.md` writes them into the page.
"""

from __future__ import annotations

import re

from rondpoint.reference_pages import markdown_table, update_page
from rondpoint.store.keys import Keys
from rondpoint.store.rights import KEY_USES, PUBLISHED, KeyUse, Parties, acl_rules

_VALUE = re.compile(r"`([A-Z][a-z][A-Za-z]*)`")
_KEYS = Keys()
_PREFIX = _KEYS.revision.removesuffix("revision")


def blocks() -> dict[str, str]:
    """Return the blocks of the page by name."""
    users = (f"user rondpoint-{party} on >SECRET {acl_rules(party, _KEYS)}" for party in ("agent", "proxy"))
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
        for use in KEY_USES
    ]
    contribution = _KEYS.contribution("NAME")
    names = (f"`{_shown(getattr(contribution, name))}`" for name in PUBLISHED)
    contents = "the contribution of agent NAME, in the same form as the whole configuration"
    rows.append((", ".join(names), "", contents, "agent", "agent", ""))
    return markdown_table(("key", "type", "contents", "written by", "read by", "expires"), rows)


def _shown(key: str) -> str:
    return key.replace(_PREFIX, "…:")


def _linked(contents: str) -> str:
    """Link the names of values to their sections."""
    return _VALUE.sub(lambda found: f"[{found[1]}](#{found[1].lower()})", contents)


def _readers(use: KeyUse) -> str:
    removal = ", which removes what it reads" if use.consumers else ""
    return f"{_named(use.readers)}{removal}"


def _named(parties: Parties) -> str:
    return ", ".join(parties)


if __name__ == "__main__":
    update_page(blocks())
