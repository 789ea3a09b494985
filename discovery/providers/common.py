"""Providers that every agent has alike."""

from __future__ import annotations

from rondpoint.store.admin.document import ADMIN, REST

STORE_PROVIDERS = frozenset((ADMIN, REST))
"""Their source is the store: they are no agent's own part, and whoever leads publishes what it has of them.

Were they parts, those of two agents would contradict each other for a moment at each change.
"""
