"""Until when certificates are valid, and for whom: what `traefik_tls_certs_not_after` tells of them.

A certificate is read as a client would see it, in a handshake in memory: OpenSSL tells of a certificate only
to who has verified it. Here it vouches for itself, and may have expired.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rondpoint.store.workers import CertificateStatus

if TYPE_CHECKING:
    from rondpoint.settings.values import CertificatePair

log = logging.getLogger(__name__)

# X509_V_FLAG_NO_CHECK_TIME, which the module ssl does not name.
_WHENEVER = 0x200000


def certificates_of(pairs: Iterable[CertificatePair]) -> Iterator[CertificateStatus]:
    """What these certificates say; one that no client could use is passed over, and said so."""
    for pair in pairs:
        try:
            yield _status(_seen(pair))
        except OSError as error:
            log.warning("certificate %s is none that clients of a server accept: %s", pair.cert_file, error)


def _seen(pair: CertificatePair) -> dict[str, Any]:
    """The certificate, as the module ssl decodes it. Raises OSError."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pair.cert_file, pair.key_file)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    own = _handshake(client, server).getpeercert(binary_form=True)
    client.verify_mode = ssl.CERT_REQUIRED
    client.load_verify_locations(cadata=own or b"")
    client.verify_flags |= ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _WHENEVER)
    return _handshake(client, server).getpeercert() or {}


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> ssl.SSLObject:
    """The client's side of a connection between these two."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    left = [asking, answering]
    while left:
        for side in tuple(left):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.remove(side)
    return asking


def _status(decoded: dict[str, Any]) -> CertificateStatus:
    names = [value for part in decoded["subject"] for key, value in part if key == "commonName"]
    domains = sorted(value for kind, value in decoded.get("subjectAltName", ()) if kind == "DNS")
    return CertificateStatus(
        names[-1] if names else "",
        # In decimal, as Traefik has it.
        str(int(decoded["serialNumber"], 16)),
        ",".join(domains),
        ssl.cert_time_to_seconds(decoded["notAfter"]),
    )
