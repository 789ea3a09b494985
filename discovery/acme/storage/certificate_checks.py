"""Checks a certificate in a file against its private key."""

from __future__ import annotations

from discovery.certificates.errors import ContentsError
from discovery.certificates.pair import check_pair


def valid_until(chain: str, key: str) -> float | None:
    """Return when the first certificate expires, in Unix seconds; None if it does not fit the key."""
    try:
        return check_pair(chain, key).not_after
    except ContentsError:
        return None
