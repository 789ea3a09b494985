"""Properties of request methods."""

from __future__ import annotations

IDEMPOTENT_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
"""Methods whose requests may be sent again although a server may have run them (RFC 9110 §9.2.2)."""

METHODS_WITH_CONTENT = frozenset((b"POST", b"PUT", b"PATCH"))
"""Methods whose requests state a length of 0 if they have no content (RFC 9110 §8.6)."""
