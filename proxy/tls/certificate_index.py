"""Finds the certificates for a server name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rondpoint.settings.values import CertificatePair


class CertificateIndex:
    """Certificates by the DNS names and IP addresses in them; there is at least one.

    A wildcard stands for one label (RFC 6125 §6.4.3); an exact name comes before it. Other names, and clients
    that send none, get the first certificate, together with others for its first name.
    """

    def __init__(self, certificates: Sequence[tuple[CertificatePair, tuple[str, ...]]]) -> None:
        self._by_name: dict[str, tuple[CertificatePair, ...]] = {}
        for pair, names in certificates:
            for name in {name.lower(): None for name in names}:
                self._by_name[name] = (*self._by_name.get(name, ()), pair)
        first, names = certificates[0]
        self._default = self._by_name[names[0].lower()] if names else (first,)

    def find(self, server_name: str, address: str = "") -> tuple[CertificatePair, ...]:
        """Return the certificates for a server name in lower case, in the order in which they were given.

        Without a name they are those for `address`, the IP address that the client has connected to.
        """
        by_name = self._by_name
        if not server_name:
            return by_name.get(address) or self._default
        return by_name.get(server_name) or by_name.get("*." + server_name.partition(".")[2]) or self._default

    def all(self) -> set[tuple[CertificatePair, ...]]:
        """Return each set of certificates that `find` can return."""
        return {self._default, *self._by_name.values()}
