"""Distinguished names of certificates, as Go reads and writes them.

Go keeps usual attributes by type, whatever their order in the certificate is. Its text begins with the last
attribute, as in RFC 2253, and joins several values of one type by `+`. Attributes of other types come last,
with their object identifier and their value in DER format.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

from cryptography.x509 import Name

# About names that Go reads as well, such as empty ones.
warnings.filterwarnings("ignore", "Attribute's length must be", UserWarning)

DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25"
COUNTRY, PROVINCE, LOCALITY = "2.5.4.6", "2.5.4.8", "2.5.4.7"
ORGANIZATION, ORGANIZATIONAL_UNIT = "2.5.4.10", "2.5.4.11"
SERIAL_NUMBER, COMMON_NAME = "2.5.4.5", "2.5.4.3"

_ORDER = {
    SERIAL_NUMBER: "SERIALNUMBER",
    COMMON_NAME: "CN",
    ORGANIZATIONAL_UNIT: "OU",
    ORGANIZATION: "O",
    "2.5.4.17": "POSTALCODE",
    "2.5.4.9": "STREET",
    LOCALITY: "L",
    PROVINCE: "ST",
    COUNTRY: "C",
}
"""The attributes in the order of the text."""

_SINGLE = (SERIAL_NUMBER, COMMON_NAME)
"""Attributes of which Go keeps the last one."""

_ESCAPED = ',+"\\<>;'
_PRINTABLE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'()+,-./ :=?")
"""The characters of a PrintableString (X.680 §41.4)."""

_PRINTABLE_STRING, _UTF8_STRING = 0x13, 0x0C


class Attribute(NamedTuple):
    """One attribute of a name; `kind` is its object identifier."""

    kind: str
    value: str


def read_name(name: Name) -> tuple[Attribute, ...]:
    """Return the attributes with text in the order of the certificate."""
    return tuple(
        Attribute(each.oid.dotted_string, each.value) for each in name if isinstance(each.value, str)
    )


def values(name: tuple[Attribute, ...], kind: str) -> list[str]:
    """Return the values of one type that Go keeps: all, or only the last one."""
    found = [value for each, value in name if each == kind]
    return [value for value in found[-1:] if value] if kind in _SINGLE else found


def format_name(name: tuple[Attribute, ...]) -> str:
    """Return the text of a name."""
    parts = [
        "+".join(f"{label}={_escape(value)}" for value in found)
        for kind, label in _ORDER.items()
        if (found := values(name, kind))
    ]
    parts += (f"{kind}=#{_der(value).hex()}" for kind, value in reversed(name) if kind not in _ORDER)
    return ",".join(parts)


def _escape(value: str) -> str:
    last = len(value) - 1
    return "".join(
        f"\\{character}"
        if character in _ESCAPED
        or (character == " " and position in (0, last))
        or (character == "#" and position == 0)
        else character
        for position, character in enumerate(value)
    )


def _der(value: str) -> bytes:
    """Return a text as Go's asn1.Marshal does."""
    content = value.encode()
    tag = _PRINTABLE_STRING if _PRINTABLE.issuperset(content) else _UTF8_STRING
    length = len(content)
    if length < 128:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(size))) + size + content
