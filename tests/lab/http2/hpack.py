"""Builds the representations of HPACK (RFC 7541 §5 and §6), valid and invalid ones alike."""

from collections.abc import Iterable

Field = tuple[bytes, bytes]
"""A name and its value; pseudo-header fields have names with a colon."""

STATIC = {
    b":authority": 1,
    b":method": 2,
    b":path": 4,
    b":scheme": 6,
    b":status": 8,
    b"accept-encoding": 16,
    b"content-length": 28,
    b"cookie": 32,
    b"host": 38,
    b"user-agent": 58,
}
"""The indices of some names of the static table."""

METHOD_GET = b"\x82"
METHOD_POST = b"\x83"
PATH_ROOT = b"\x84"
SCHEME_HTTP = b"\x86"

FIRST_DYNAMIC = 62
"""The index of the newest entry of the dynamic table."""


def integer(value: int, prefix: int, first: int = 0) -> bytes:
    """Return an integer (§5.1) with a prefix of so many bits; `first` has the bits before it."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes((first | value,))
    octets = bytearray((first | limit,))
    value -= limit
    while value >= 128:
        octets.append(value % 128 + 128)
        value //= 128
    octets.append(value)
    return bytes(octets)


def string(value: bytes) -> bytes:
    """Return a string literal without Huffman coding (§5.2)."""
    return integer(len(value), 7) + value


def huffman(octets: bytes) -> bytes:
    """Return a string literal of octets that are Huffman-coded already, rightly or not."""
    return integer(len(octets), 7, 0x80) + octets


def indexed(index: int) -> bytes:
    """Return a field of one of the tables (§6.1)."""
    return integer(index, 7, 0x80)


def literal(name: bytes | int, value: bytes) -> bytes:
    """Return a literal without indexing (§6.2.2); a number is the index of a name."""
    return _literal(name, value, 4, 0x00)


def never_indexed(name: bytes | int, value: bytes) -> bytes:
    """Return a literal that nobody may index (§6.2.3)."""
    return _literal(name, value, 4, 0x10)


def added(name: bytes | int, value: bytes) -> bytes:
    """Return a literal that becomes the newest entry of the dynamic table (§6.2.1)."""
    return _literal(name, value, 6, 0x40)


def table_size(size: int) -> bytes:
    """Return a change of the dynamic table's size (§6.3)."""
    return integer(size, 5, 0x20)


def block(fields: Iterable[Field]) -> bytes:
    """Return a header block of literals, which changes no table."""
    return b"".join(literal(name, value) for name, value in fields)


def _literal(name: bytes | int, value: bytes, prefix: int, first: int) -> bytes:
    if isinstance(name, int):
        return integer(name, prefix, first) + string(value)
    return bytes((first,)) + string(name) + string(value)
