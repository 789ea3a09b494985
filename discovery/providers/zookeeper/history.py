"""Tells whether a ZooKeeper that was away still has its data."""

from __future__ import annotations

from msgspec import Struct


class History(Struct, frozen=True):
    """The creation of the root znode (None if it does not exist), and the newest transaction known (zxid)."""

    root_created: tuple[int, int] | None
    zxid: int

    def continues(self, before: History | None) -> bool:
        """Return whether this is surely a later state of the same data.

        Servers that were set up anew have another root znode. Servers that have got an old copy of the data
        have the same one, and have forgotten transactions.
        """
        if before is None or self.root_created is None:
            return False
        return self.root_created == before.root_created and self.zxid >= before.zxid
