"""Client certificates of many forms, each with the chain that its client sends."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import NameAttribute, ObjectIdentifier
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

KEY = ec.generate_private_key(ec.SECP256R1())
START, END = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
_TYPES = {"T61": _ASN1Type.T61String, "BMP": _ASN1Type.BMPString, "IA5": _ASN1Type.IA5String}
_OIDS = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "SN": NameOID.SERIAL_NUMBER,
    "DC": NameOID.DOMAIN_COMPONENT,
    "STREET": NameOID.STREET_ADDRESS,
    "POSTALCODE": NameOID.POSTAL_CODE,
    "title": NameOID.TITLE,
    "given": NameOID.GIVEN_NAME,
    "email": NameOID.EMAIL_ADDRESS,
    "UID": NameOID.USER_ID,
}

Pairs = Iterable[tuple[str, str]]


class Sample(NamedTuple):
    """A chain, the client's own certificate first; all have the key KEY."""

    chain: tuple[x509.Certificate, ...]

    @property
    def der(self) -> tuple[bytes, ...]:
        return tuple(each.public_bytes(serialization.Encoding.DER) for each in self.chain)

    def write(self, path: Path) -> Path:
        """Write key and certificates to one file."""
        pem = serialization.Encoding.PEM
        key = KEY.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(key + b"".join(each.public_bytes(pem) for each in self.chain))
        return path


def name(pairs: Pairs) -> x509.Name:
    """Return a name of pairs such as ("CN", "a"); "BMP CN" is a common name in another type of string.

    "+OU" belongs to the same relative name as the attribute before it.
    """
    parts: list[list[NameAttribute]] = []
    for label, value in pairs:
        kind, _, rest = label.lstrip("+").rpartition(" ")
        with warnings.catch_warnings():
            # Empty values and long ones are meant.
            warnings.simplefilter("ignore", UserWarning)
            attribute = NameAttribute(
                _OIDS[rest], value, _type=_TYPES[kind] if kind else None, _validate=False
            )
        if label.startswith("+"):
            parts[-1].append(attribute)
        else:
            parts.append([attribute])
    return x509.Name(map(x509.RelativeDistinguishedName, parts))


def certificate(
    subject: Pairs,
    names: Iterable[x509.GeneralName] = (),
    *,
    issuer: Pairs = (("O", "Lab"), ("CN", "Lab CA")),
    serial: int = 4711,
    start: datetime = START,
    end: datetime = END,
    ca: bool = False,
    extension: x509.ExtensionType | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(KEY.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    names = tuple(names)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, hashes.SHA256())


_INTERMEDIATE = (("C", "FR"), ("O", "Lab"), ("CN", "Between"))
_WHOLE = (
    *(("DC", "org"), ("DC", "cheese"), ("C", "FR"), ("C", "US"), ("ST", "Île-de-France"), ("ST", "Texas")),
    *(("L", "Lyon"), ("L", "Paris"), ("O", "Cheese"), ("O", "Cheese 2"), ("OU", "Whey"), ("OU", "Curd")),
    *(("SN", "17"), ("STREET", "rue a"), ("POSTALCODE", "69000"), ("CN", "*.cheese.test")),
)
_EVERY_KIND = (
    x509.UniformResourceIdentifier("spiffe://lab.test/a?b=c#d"),
    x509.IPAddress(ip_address("192.0.2.7")),
    x509.RFC822Name("a@lab.test"),
    x509.DNSName("b.test"),
    x509.IPAddress(ip_address("2001:db8::1")),
    x509.DNSName("*.a.test"),
    x509.DirectoryName(name([("CN", "elsewhere")])),
    x509.RegisteredID(ObjectIdentifier("1.2.3.4")),
    x509.IPAddress(ip_address("::ffff:192.0.2.8")),
    x509.UniformResourceIdentifier("https://user@lab.test:8443/p%20q"),
)

SAMPLES: Mapping[str, Sample] = {
    "a common name": Sample((certificate([("CN", "client")]),)),
    "everything": Sample((certificate(_WHOLE, _EVERY_KIND, issuer=_WHOLE[::-1], serial=(1 << 158) + 5),)),
    "no subject": Sample((certificate([], [x509.DNSName("only.test")]),)),
    "only a serial number": Sample((certificate([("SN", "0042")]),)),
    "Unicode": Sample((certificate([("O", "Фрома́ж 🧀"), ("CN", "Jörg Müller-Weiß")]),)),
    "characters with a meaning": Sample(
        (certificate([("O", '#1, "A+B"; <c>\\=d'), ("OU", " both ends "), ("CN", 'a;b,c="d"&e%20 ')]),)
    ),
    "a space alone": Sample((certificate([("OU", " "), ("CN", "é ")]),)),
    "a line end": Sample((certificate([("CN", "a\r\nX-Injected: yes\t\x00")]),)),
    "unusual attributes": Sample(
        (
            certificate(
                [
                    ("title", "Dr"),
                    ("given", "Ada"),
                    ("IA5 email", "ada@lab.test"),
                    ("UID", "ada*_1"),
                    ("CN", "Ada"),
                ]
            ),
        )
    ),
    "a long unusual attribute": Sample((certificate([("title", "x" * 300), ("UID", "y" * 200)]),)),
    "relative names of several values": Sample(
        (certificate([("O", "A"), ("+OU", "B"), ("+CN", "C"), ("OU", "D"), ("+DC", "e")]),)
    ),
    "two common names": Sample((certificate([("CN", "first"), ("SN", "1"), ("CN", "last"), ("SN", "2")]),)),
    "empty values": Sample((certificate([("O", ""), ("OU", ""), ("OU", "x"), ("DC", ""), ("CN", "")]),)),
    "other types of strings": Sample(
        (certificate([("BMP O", "Кириллица"), ("T61 OU", "plain"), ("IA5 DC", "lab"), ("CN", "types")]),)
    ),
    "a validity in the past": Sample(
        (
            certificate(
                [("CN", "old")],
                start=datetime(1955, 1, 1, tzinfo=UTC),
                end=datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
            ),
        )
    ),
    "a validity beyond 2050": Sample((certificate([("CN", "new")], end=datetime(9999, 12, 31, tzinfo=UTC)),)),
    "a chain of two": Sample(
        (
            certificate([("CN", "leaf")], [x509.DNSName("leaf.test")], issuer=_INTERMEDIATE, serial=2),
            certificate(_INTERMEDIATE, serial=1, ca=True),
        )
    ),
    "a chain of three without names": Sample(
        (certificate([], serial=3), certificate([], serial=2, ca=True), certificate([], serial=1, ca=True))
    ),
}
