"""Reads the names and the validity of certificates.

A certificate is read like a client reads it, in a handshake in memory, because OpenSSL decodes only
certificates that it has verified. Here the certificate is its own trust anchor, and may have expired.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from rondpoint.store.workers import CertificateStatus

if TYPE_CHECKING:
    from rondpoint.settings.values import CertificatePair

log = logging.getLogger(__name__)

# X509_V_FLAG_NO_CHECK_TIME; the module ssl has no name for it.
_NO_CHECK_TIME = 0x200000


class CertificateContents(NamedTuple):
    """A certificate's files, its status for the metrics, and the DNS names and IP addresses in it.

    `not_before` is in Unix seconds. `issuer` is the issuer's organisation and common name, as far as known.
    """

    pair: CertificatePair
    status: CertificateStatus
    names: tuple[str, ...]
    not_before: float
    issuer: str


def read_certificates(pairs: Iterable[CertificatePair]) -> Iterator[CertificateContents]:
    """Yield the contents of each certificate; skip and log a certificate that no client accepts."""
    for pair in pairs:
        try:
            decoded = _decode(pair)
        except OSError as error:
            log.warning("clients do not accept certificate %s: %s", pair.cert_file, error)
            continue
        yield CertificateContents(
            pair,
            _status(decoded),
            tuple(_names(decoded)),
            ssl.cert_time_to_seconds(decoded["notBefore"]),
            _issuer(decoded),
        )


def _decode(pair: CertificatePair) -> dict[str, Any]:
    """Return the certificate as the module ssl decodes it. Raises OSError."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pair.cert_file, pair.key_file)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    certificate = _handshake(client, server).getpeercert(binary_form=True)
    client.verify_mode = ssl.CERT_REQUIRED
    client.load_verify_locations(cadata=certificate or b"")
    client.verify_flags |= ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
    return _handshake(client, server).getpeercert() or {}


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> ssl.SSLObject:
    """Perform a handshake in memory, and return the client's side of the connection."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    left = [client_side, server_side]
    while left:
        for side in tuple(left):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.remove(side)
    return client_side


def _names(decoded: dict[str, Any]) -> Iterator[str]:
    """Yield the alternative names, or the common name of a certificate that has none, in lower case."""
    alternative = decoded.get("subjectAltName", ())
    for kind, value in alternative:
        if kind == "DNS":
            yield value.lower()
        elif kind == "IP Address":
            yield str(ip_address(value.strip()))
    if not alternative:
        yield from _attributes(decoded["subject"], "commonName")[-1:]


def _issuer(decoded: dict[str, Any]) -> str:
    issuer = decoded["issuer"]
    last = (_attributes(issuer, kind)[-1:] for kind in ("organizationName", "commonName"))
    return ", ".join(value for values in last for value in values)


def _attributes(name: Any, kind: str) -> list[str]:
    return [value for attributes in name for key, value in attributes if key == kind]


def _status(decoded: dict[str, Any]) -> CertificateStatus:
    names = _attributes(decoded["subject"], "commonName")
    domains = sorted(value for kind, value in decoded.get("subjectAltName", ()) if kind == "DNS")
    return CertificateStatus(
        names[-1] if names else "",
        # In decimal, as in Traefik.
        str(int(decoded["serialNumber"], 16)),
        ",".join(domains),
        ssl.cert_time_to_seconds(decoded["notAfter"]),
    )
