"""The TXT record that answers a DNS-01 challenge (RFC 8555 §8.4)."""

from __future__ import annotations

from msgspec import Struct

from discovery.acme.challenges.challenge import Challenge

LABEL = "_acme-challenge."


class ChallengeRecord(Struct, frozen=True):
    """A TXT record to create or delete. `name` is absolute, and ends the CNAME records at the CA's name."""

    name: str
    value: str
    challenge: Challenge


def record_name(challenge: Challenge) -> str:
    """Return the absolute name at which the CA looks for the record."""
    return f"{LABEL}{challenge.name.rstrip('.').lower()}."
