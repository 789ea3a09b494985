"""Parts of the names of routers, in Traefik's form."""

from __future__ import annotations

from hashlib import sha256

_DIGITS = 20


def rule_digest(rule: str) -> str:
    """Return the hexadecimal digits of a rule's digest, which tell apart routers of one object."""
    return sha256(rule.encode()).hexdigest()[:_DIGITS]
