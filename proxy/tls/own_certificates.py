"""Reads the certificates in the settings of an entry point, when the proxy starts."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from proxy.tls.certificate_contents import CertificateContents, read_certificates
from proxy.tls.certificate_index import CertificateIndex
from proxy.tls.errors import CertificateError
from proxy.tls.server_context import load_certificates
from rondpoint.tls.model import Certificate

if TYPE_CHECKING:
    from rondpoint.settings.values import CertificatePair
    from rondpoint.store.workers import CertificateStatus


_CERTIFICATE = re.compile(
    r"-----BEGIN (?:\w+ )?CERTIFICATE-----.*?-----END (?:\w+ )?CERTIFICATE-----", re.DOTALL
)


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
    described = [
        _describe(certificate, contents.get(pair)) for certificate, pair in zip(read, pairs, strict=True)
    ]
    first = set(described[0].names[:1])
    certificates = [
        replace(each, default=each is described[0] or bool(first.intersection(each.names)))
        for each in described
    ]
    position = {certificate.name: number for number, certificate in enumerate(certificates)}
    return OwnCertificates(
        CertificateIndex(certificates, lambda each: position[each.name]),
        tuple(each.status for each in contents.values()),
    )


def _describe(certificate: Certificate, contents: CertificateContents | None) -> Certificate:
    """Return the certificate with its names and the fields for people, if clients accept it."""
    if contents is None:
        return certificate
    status = contents.status
    return replace(
        certificate,
        names=contents.names,
        not_before=contents.not_before,
        not_after=status.not_after,
        subject=status.common_name,
        issuer=contents.issuer,
        serial=status.serial,
    )


def _read(pair: CertificatePair) -> Certificate:
    source = f"certificate {pair.cert_file} with key {pair.key_file}"
    certificate = Certificate(f"{pair.cert_file}@settings", "", "", source=source)
    try:
        # The file may have the key, too, which is not for those who look at certificates.
        chain = "\n".join(_CERTIFICATE.findall(pair.cert_file.read_text()))
        return replace(certificate, chain=chain, key=pair.key_file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateError(certificate, error) from None
