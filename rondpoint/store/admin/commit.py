"""Commits a change of the document, its history entry and the message about it in one step."""

from __future__ import annotations

from collections.abc import Mapping

import redis

from rondpoint.store.admin.history import MAX_ENTRIES, HistoryEntry, encode_entry, read_entry
from rondpoint.store.keys import Keys
from rondpoint.store.scripts import load_script


class Committer:
    """Commits changes to the document of one installation."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._script = load_script(client, "commit.lua", "rondpoint.store.admin")

    def commit(
        self, before: int, after: int, changes: Mapping[str, bytes | None], entry: HistoryEntry | None
    ) -> bool:
        """Commit `changes`, where None removes a field. Return False, and change nothing, at another version.

        Return True also if the same proposal was committed before: the store's response may get lost, so that
        the script runs twice. Raises redis.RedisError.
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
