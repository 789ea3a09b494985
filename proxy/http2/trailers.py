"""The trailer section of a message (RFC 9113 §8.1) as the lines that the exchange passes on, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.chunked import FORBIDDEN_TRAILERS
from proxy.http2.errors import PROTOCOL_ERROR, StreamFault
from proxy.http2.fields import fields_of, header_lines

if TYPE_CHECKING:
    from proxy.http1.limits import Underscores
    from proxy.http2.fields import Field


def trailer_lines(fields: list[Field], underscores: Underscores = "allow") -> bytes:
    """Return the trailer lines to forward, each ended by CRLF. Raises StreamFault.

    Left out are fields that frame, route or authenticate, and by `underscores` those with one in their names.
    """
    kept = []
    for line in header_lines(fields):
        if underscores != "allow" and b"_" in line.partition(b":")[0]:
            if underscores == "reject":
                raise StreamFault(PROTOCOL_ERROR, "trailer names with underscores are not allowed here")
        elif not FORBIDDEN_TRAILERS.match(line, 2):
            kept.append(line[2:] + b"\r\n")
    return b"".join(kept)


def trailer_fields(lines: bytes) -> list[Field]:
    """Return the fields of trailer lines, each of which ends with CRLF."""
    return fields_of(b"\r\n" + lines[:-2]) if lines else []
