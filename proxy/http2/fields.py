"""Fields of HTTP/2 as header lines and back (RFC 9113 §8.2): what passes is safe to write in HTTP/1.1."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.http2.errors import PROTOCOL_ERROR, StreamFault

if TYPE_CHECKING:
    from collections.abc import Iterable

Field = tuple[bytes, bytes, bool]
"""Name, value, and whether the value must never enter a table."""

FIELD_OVERHEAD = 32
"""Bytes that count for each field beyond name and value (§10.5.1)."""

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
# No white space at either end, and no control characters but the tab (RFC 9110 §5.5).
_VALUE = re.compile(rb"(?:[!-~\x80-\xff]++(?:[\t ]++[!-~\x80-\xff]++)*)?")
_OF_CONNECTIONS = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
_DIGITS = re.compile(rb"[0-9]{1,18}")
# Secrets are not compressed together with other text. The others differ from message to message, and each
# would push useful fields out of the table.
_NOT_INDEXED = frozenset(
    (
        b"age",
        b"authorization",
        b"content-length",
        b"content-range",
        b"etag",
        b"last-modified",
        b"location",
        b"proxy-authorization",
        b"set-cookie",
        b"x-request-id",
        b"traceparent",
    )
)


# Names come from the other side, so they must not fill the memory.
@lru_cache(maxsize=1024)
def _line_start(name: bytes) -> bytes:
    """Return the beginning of a header line. Raises StreamFault."""
    if not _NAME.fullmatch(name):
        raise StreamFault(PROTOCOL_ERROR, "a field name that is not a token in lower case")
    if name in _OF_CONNECTIONS:
        raise StreamFault(PROTOCOL_ERROR, "a field of the connection (RFC 9113 §8.2.2)")
    return b"\r\n" + name + b": "


def header_lines(fields: Iterable[Field]) -> list[bytes]:
    """Return the line of each field, with a CRLF before it. Raises StreamFault if one is malformed."""
    lines = []
    for name, value, _ in fields:
        if not _VALUE.fullmatch(value):
            raise StreamFault(
                PROTOCOL_ERROR, "a field value with a control character, or white space around it"
            )
        lines.append(_line_start(name) + value)
    return lines


def list_size(fields: Iterable[Field]) -> int:
    """Return the size of a list of fields in bytes, as RFC 9113 §10.5.1 counts it."""
    return sum(len(name) + len(value) + FIELD_OVERHEAD for name, value, _ in fields)


def fields_of(lines: bytes) -> list[Field]:
    """Return the fields of header lines, each with a CRLF before it, without those of the connection."""
    fields = []
    for line in lines.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name not in _OF_CONNECTIONS:
            fields.append((name, value.strip(b" \t"), name in _NOT_INDEXED))
    return fields


def content_length(values: list[bytes]) -> int:
    """Return the one value of Content-Length as a number, -1 if there is none. Raises StreamFault."""
    if not values:
        return -1
    if len(values) > 1 or not _DIGITS.fullmatch(values[0]):
        raise StreamFault(PROTOCOL_ERROR, "a Content-Length that is not one number")
    return int(values[0])
