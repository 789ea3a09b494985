"""Finds certificates by server name, in the same time for any number of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from time import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rondpoint.tls.model import Certificate

Certificates = tuple["Certificate", ...]

_DIGITS = "0123456789"


class CertificateIndex:
    """Certificates by the DNS names and IP addresses in them.

    A wildcard stands for one label (RFC 6125 §6.4.3). Certificates without `entry_points` are for all of
    them. Several for one name are in the order of `sort_key`; by default the one that ends last is the first,
    so a renewed certificate replaces the old one, which may still be there.
    """

    def __init__(
        self,
        certificates: Iterable[Certificate] = (),
        sort_key: Callable[[Certificate], Any] = lambda each: (-each.not_after, each.name),
    ) -> None:
        self._sort_key = sort_key
        self._certificates: dict[str, Certificate] = {}
        # Most names have one certificate; a tuple of one would cost memory for each name.
        self._by_name: dict[str, Certificate | Certificates] = {}
        self._defaults: Certificates = ()
        for certificate in certificates:
            self.put(certificate)

    def __len__(self) -> int:
        return len(self._certificates)

    @property
    def certificates(self) -> Collection[Certificate]:
        """All certificates, as they are now and later."""
        return self._certificates.values()

    def put(self, certificate: Certificate) -> None:
        """Add or replace a certificate."""
        self.remove(certificate.name)
        self._certificates[certificate.name] = certificate
        for name in dict.fromkeys(certificate.names):
            found = self._by_name.get(name)
            self._by_name[name] = certificate if found is None else self._with(_as_tuple(found), certificate)
        if certificate.default:
            self._defaults = self._with(self._defaults, certificate)

    def remove(self, name: str) -> None:
        """Remove a certificate; ignore an unknown name."""
        certificate = self._certificates.pop(name, None)
        if certificate is None:
            return
        for host in dict.fromkeys(certificate.names):
            left = _without(_as_tuple(self._by_name[host]), certificate)
            if not left:
                del self._by_name[host]
            else:
                self._by_name[host] = left if len(left) > 1 else left[0]
        if certificate.default:
            self._defaults = _without(self._defaults, certificate)

    def find(self, name: str, entry_point: str) -> Certificates:
        """Return the certificates with this name, in lower case, for an entry point; `name` may be `*.…`."""
        return _for_entry_point(self._by_name.get(name), entry_point)

    def defaults(self, entry_point: str) -> Certificates:
        """Return the certificates for names that have no other."""
        return _for_entry_point(self._defaults, entry_point)

    def _with(self, certificates: Certificates, new: Certificate) -> Certificates:
        return tuple(sorted((*certificates, new), key=self._sort_key))


def best_of_each_key_type(certificates: Certificates) -> Certificates:
    """Return the first certificate of each key type; those that are not valid yet are the last choice."""
    if len(certificates) < 2:
        return certificates
    now = time()
    best: dict[str, Certificate] = {}
    for certificate in sorted(certificates, key=lambda each: each.not_before > now):
        # Without a known key type, OpenSSL sorts them out.
        best.setdefault(certificate.key_type.rstrip(_DIGITS) or certificate.name, certificate)
    return tuple(best.values())


def _for_entry_point(found: Certificate | Certificates | None, entry_point: str) -> Certificates:
    if found is None:
        return ()
    if not isinstance(found, tuple):
        return (found,) if not found.entry_points or entry_point in found.entry_points else ()
    return tuple(each for each in found if not each.entry_points or entry_point in each.entry_points)


def _as_tuple(found: Certificate | Certificates | None) -> Certificates:
    if found is None:
        return ()
    return found if isinstance(found, tuple) else (found,)


def _without(certificates: Certificates, removed: Certificate) -> Certificates:
    return tuple(each for each in certificates if each is not removed)
