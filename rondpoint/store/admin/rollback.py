"""What it takes to come back to an earlier version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rondpoint.store.admin.document import Document
from rondpoint.store.admin.history import HistoryEntry


class RollbackError(Exception):
    """A version that cannot be come back to."""

    def __init__(self, message: str, outcome: Literal["missing", "impossible"]) -> None:
        super().__init__(message)
        self.outcome = outcome


def rollback_values(document: Document, history: Sequence[HistoryEntry], version: int) -> Mapping[str, Any]:
    """The values by field that bring `document` to what it was at `version`; None for what was not there.

    `history` is in order, the newest first. Raises RewindError.
    """
    if not 0 <= version <= document.version:
        raise RollbackError(
            f"version {version} does not exist: the present one is {document.version}", "missing"
        )
    values: dict[str, Any] = {}
    reached = document.version
    for entry in history:
        if reached <= version:
            break
        if entry.version > reached:
            # Written since the document was read.
            continue
        if entry.version != reached:
            break
        if entry.changes is None:
            raise RollbackError(
                f"version {entry.version} changed so much that what was before it is not kept", "impossible"
            )
        values.update((field, difference.before) for field, difference in entry.changes.items())
        reached = entry.version - 1
    if reached > version:
        raise RollbackError(f"version {version} is older than what is kept", "impossible")
    return {field: value for field, value in values.items() if value != _present(document, field)}


def _present(document: Document, field: str) -> Any:
    stored = document.stored(field)
    return None if stored is None else stored.value
