"""Writing what the API defines: the change, its history and the message about it in one step."""

from __future__ import annotations

from collections.abc import Mapping

import redis

from rondpoint.store.admin.history import MAX_ENTRIES, HistoryEntry, encode_entry, read_entry
from rondpoint.store.keys import Keys
from rondpoint.store.scripts import script


class Committer:
    """Commits to one installation."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._script = script(client, "commit.lua", "rondpoint.store.admin")

    def commit(
        self, before: int, after: int, changes: Mapping[str, bytes | None], entry: HistoryEntry | None
    ) -> bool:
        """Go from one version to the next; None removes a field. False, and nothing done, at another version.

        True as well where that was done before by the same proposal: the store's answer may be lost, and the
        script run twice. Raises redis.RedisError.
        """
        fields: list[str | bytes | int] = []
        removed: list[str | bytes | int] = []
        for field, value in changes.items():
            if value is None:
                removed.append(field)
            else:
                fields += (field, value)
        arguments: list[str | bytes | int] = [
            before or "",
            after,
            self._keys.admin_changes,
            b"" if entry is None else encode_entry(entry),
            MAX_ENTRIES,
            len(fields) // 2,
            len(removed),
            *fields,
            *removed,
        ]
        if self._script(keys=[self._keys.admin, self._keys.admin_history], args=arguments):
            return True
        if entry is None:
            return False
        stored = read_entry(self._client, self._keys, after)
        return stored is not None and stored.proposal == entry.proposal
