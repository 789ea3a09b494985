"""Joins settings of the items of one list, such as `--domains[0].main=a.test`, to one setting."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from rondpoint.settings.vocabulary import KnownKey
from rondpoint.settings.written_setting import Source, WrittenSetting

_ITEM = re.compile(r"(.+)\[(\d+)\]")
_Key = tuple[Source, tuple[str, ...]]


def join_items(settings: Sequence[WrittenSetting], vocabulary: KnownKey) -> list[WrittenSetting]:
    """Return the settings with one setting for each list that a source writes in parts.

    The parts are keys of items (`domains[0].main`), or the same flag several times, as with Traefik 1
    (`--acme.domains=a.test --acme.domains=b.test`). The location is that of the first part.
    """
    joined: list[WrittenSetting] = []
    positions: dict[_Key, int] = {}
    items: dict[_Key, dict[int, dict[str, object]]] = {}
    texts: dict[_Key, list[object]] = {}
    for setting in settings:
        *parents, last = setting.path
        item = _ITEM.fullmatch(parents[-1]) if parents else None
        path = (*parents[:-1], item[1]) if item is not None else setting.path
        if not _is_list(vocabulary, path):
            joined.append(setting)
            continue
        key = setting.source, tuple(each.lower() for each in path)
        if item is not None:
            items.setdefault(key, {}).setdefault(int(item[2]), {})[last] = setting.value
        elif setting.source is Source.FLAG:
            texts.setdefault(key, []).append(setting.value)
        else:
            joined.append(setting)
            continue
        if key not in positions:
            positions[key] = len(joined)
            joined.append(replace(setting, path=path))
    for key, position in positions.items():
        written = [table for _, table in sorted(items.get(key, {}).items())]
        joined[position] = replace(joined[position], value=[*texts.get(key, []), *written])
    return joined


def _is_list(vocabulary: KnownKey, path: tuple[str, ...]) -> bool:
    """Return whether this is the path of a list of tables, in a spelling of Traefik 3 or 1."""
    known_key: KnownKey | None = vocabulary
    for key in path:
        if known_key is None:
            return False
        known_key = known_key.child(key)
    return known_key is not None and bool(known_key.item_keys)
