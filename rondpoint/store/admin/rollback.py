"""Computes the changes that restore an earlier version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rondpoint.store.admin.document import Document
from rondpoint.store.admin.history import HistoryEntry


class RollbackError(Exception):
    """The version cannot be restored."""

    def __init__(self, message: str, outcome: Literal["missing", "impossible"]) -> None:
        super().__init__(message)
        self.outcome = outcome


def rollback_values(document: Document, history: Sequence[HistoryEntry], version: int) -> Mapping[str, Any]:
    """Return the values by field that restore `version` of `document`; None removes a field.

    `history` is sorted, the newest first. Raises RollbackError.
    """
    if not 0 <= version <= document.version:
        raise RollbackError(
            f"version {version} does not exist: the current one is {document.version}", "missing"
        )
    values: dict[str, Any] = {}
    reached = document.version
    for entry in history:
        if reached <= version:
            break
        if entry.version > reached:
            # The entry was written after the document was read.
            continue
        if entry.version != reached:
            break
        if entry.changes is None:
            raise RollbackError(
                f"version {entry.version} was too large a change, so the values before it were not kept",
                "impossible",
            )
        values.update((field, difference.before) for field, difference in entry.changes.items())
        reached = entry.version - 1
    if reached > version:
        raise RollbackError(f"version {version} is older than the history", "impossible")
    return {field: value for field, value in values.items() if value != _stored_value(document, field)}


def _stored_value(document: Document, field: str) -> Any:
    stored = document.stored(field)
    return None if stored is None else stored.value
