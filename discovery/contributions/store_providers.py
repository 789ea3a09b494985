"""Names of the providers whose source is the store."""

from __future__ import annotations

from rondpoint.store.admin.document import ADMIN, REST

STORE_PROVIDERS = frozenset((ADMIN, REST))
"""Every agent reads the same routes for these. They are in no contribution; the leader publishes them.

As contributions, those of two agents would contradict each other for a moment at each change.
"""
