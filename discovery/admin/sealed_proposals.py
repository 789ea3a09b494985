"""Seals the private keys in proposals, so the document, its history and local copies have none in clear."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from discovery.certificates.loading import Seal
from discovery.certificates.option_keys import seal_keys
from rondpoint.store.admin.proposals import Proposal


def with_sealed_keys(proposal: Proposal, seal: Seal) -> Proposal:
    """Return the proposal with sealed keys in its body; a body that cannot be read stays as it is."""
    try:
        written = msgspec.json.decode(proposal.body)
        sealed = seal_keys(written, seal)
    except (msgspec.DecodeError, RecursionError):
        # The validation says what is wrong with it.
        return proposal
    return proposal if sealed is written else replace(proposal, body=msgspec.json.encode(sealed).decode())
