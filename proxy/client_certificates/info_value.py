"""The value of `X-Forwarded-Tls-Client-Cert-Info`, as in Traefik 3, or of `…-Infos`, as in Traefik 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote_plus

from cryptography import x509

from proxy.client_certificates import distinguished_names as names

if TYPE_CHECKING:
    from datetime import datetime

    from proxy.client_certificates.certificates import ClientCertificates
    from proxy.client_certificates.wanted_info import WantedInfo

_ATTRIBUTES = {
    "domainComponent": (names.DOMAIN_COMPONENT, "DC"),
    "country": (names.COUNTRY, "C"),
    "province": (names.PROVINCE, "ST"),
    "locality": (names.LOCALITY, "L"),
    "organization": (names.ORGANIZATION, "O"),
    "organizationalUnit": (names.ORGANIZATIONAL_UNIT, "OU"),
    "serialNumber": (names.SERIAL_NUMBER, "SN"),
    "commonName": (names.COMMON_NAME, "CN"),
}
"""By option, the attribute and its label, in the order of the text."""


class _Form(NamedTuple):
    """The separators of fields and of certificates, and the quotes around values that are no names."""

    fields: str
    certificates: str
    quote: str


_TRAEFIK_3 = _Form(";", ",", '"')
_TRAEFIK_1 = _Form(",", ";", "")


def info_value(client: ClientCertificates, wanted: WantedInfo) -> bytes:
    """Return what is wanted of all certificates, escaped. Raises ValueError for malformed ones."""
    form = _TRAEFIK_1 if wanted.traefik_1 else _TRAEFIK_3
    each = (form.fields.join(_fields(certificate, wanted, form)) for certificate in client.parsed)
    return quote_plus(form.certificates.join(each)).encode()


def _fields(certificate: x509.Certificate, wanted: WantedInfo, form: _Form) -> Iterator[str]:
    for label, name, attributes in (
        ("Subject", certificate.subject, wanted.subject),
        ("Issuer", certificate.issuer, wanted.issuer),
    ):
        found = _name(name, attributes)
        if found:
            yield f'{label}="{found}"'
    quote = form.quote
    if wanted.serial_number:
        yield f"SerialNumber={quote}{certificate.serial_number}{quote}"
    if wanted.not_before:
        yield f"NB={quote}{_seconds(certificate.not_valid_before_utc)}{quote}"
    if wanted.not_after:
        yield f"NA={quote}{_seconds(certificate.not_valid_after_utc)}{quote}"
    if wanted.sans:
        sans = ",".join(_alternative_names(certificate))
        if sans or wanted.traefik_1:
            yield f"SAN={quote}{sans}{quote}"


def _seconds(time: datetime) -> int:
    """Return the seconds since 1970, as Go converts them to a number without sign."""
    return int(time.timestamp()) % (1 << 64)


def _name(name: x509.Name, attributes: frozenset[str]) -> str:
    read = names.read_name(name) if attributes else ()
    return ",".join(
        f"{label}={value}"
        for option, (kind, label) in _ATTRIBUTES.items()
        if option in attributes
        for value in names.values(read, kind)
        # Go leaves out empty values of the attributes that it keeps by type.
        if value or kind == names.DOMAIN_COMPONENT
    )


def _alternative_names(certificate: x509.Certificate) -> Iterator[str]:
    """Yield the alternative names in Go's order: by type."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ValueError(str(error)) from None
    yield from found.get_values_for_type(x509.DNSName)
    yield from found.get_values_for_type(x509.RFC822Name)
    for address in found.get_values_for_type(x509.IPAddress):
        # Go writes an IPv4 address of 16 bytes as one of 4.
        yield str(getattr(address, "ipv4_mapped", None) or address)
    yield from found.get_values_for_type(x509.UniformResourceIdentifier)
