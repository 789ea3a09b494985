"""Reads the certificates in the settings of an entry point, when the proxy starts."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from proxy.tls.certificate_contents import read_certificates
from proxy.tls.certificate_index import CertificateIndex
from proxy.tls.errors import CertificateError
from proxy.tls.server_context import load_certificates
from rondpoint.tls.model import Certificate

if TYPE_CHECKING:
    from rondpoint.settings.values import CertificatePair
    from rondpoint.store.workers import CertificateStatus


class OwnCertificates(NamedTuple):
    """The certificates of an entry point, preferred in the order of the settings; `statuses` for the metrics.

    The first one, with others for its first name, is for clients for whose name there is none.
    """

    certificates: CertificateIndex
    statuses: tuple[CertificateStatus, ...]


NO_CERTIFICATES = OwnCertificates(CertificateIndex(), ())


def read_own_certificates(pairs: Sequence[CertificatePair]) -> OwnCertificates:
    """Return the certificates in these files. Raises CertificateError."""
    if not pairs:
        return NO_CERTIFICATES
    read = [_read(pair) for pair in pairs]
    # The error names the files of a certificate that cannot be loaded.
    load_certificates(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), read, str)
    contents = {each.pair: each for each in read_certificates(pairs)}
    names = [contents[pair].names if pair in contents else () for pair in pairs]
    first = names[0][:1]
    certificates = [
        replace(certificate, names=own, default=certificate is read[0] or bool(set(first) & set(own)))
        for certificate, own in zip(read, names, strict=True)
    ]
    position = {certificate.name: number for number, certificate in enumerate(certificates)}
    return OwnCertificates(
        CertificateIndex(certificates, lambda each: position[each.name]),
        tuple(each.status for each in contents.values()),
    )


def _read(pair: CertificatePair) -> Certificate:
    source = f"certificate {pair.cert_file} with key {pair.key_file}"
    certificate = Certificate(f"{pair.cert_file}@settings", "", "", source=source)
    try:
        return replace(certificate, chain=pair.cert_file.read_text(), key=pair.key_file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateError(certificate, error) from None
