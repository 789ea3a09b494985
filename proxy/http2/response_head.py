"""The head of a response over HTTP/2 (RFC 9113 §8.3.2), as the value that the exchange takes, and back."""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING

from proxy.http1.response import UNTIL_CLOSE, Response
from proxy.http1.response_head import reason_phrase
from proxy.http2.errors import PROTOCOL_ERROR, StreamFault
from proxy.http2.fields import content_length, fields_of, header_lines

if TYPE_CHECKING:
    from proxy.http2.fields import Field

_STATUS = re.compile(rb"[1-9][0-9][0-9]")
_NO_CONTENT = frozenset((204, 304))


def parse_response(fields: list[Field]) -> Response:
    """Return the response to another method than HEAD. Raises StreamFault for a malformed one.

    `length` is UNTIL_CLOSE if only the end of the stream ends the content. Content before trailers has no
    length: in HTTP/1.1 it could have no trailers then.
    """
    if not fields or fields[0][0] != b":status" or not _STATUS.fullmatch(fields[0][1]):
        raise StreamFault(PROTOCOL_ERROR, ":status must come first, with three digits")
    regular = fields[1:]
    if any(_has_trailers(name, value) for name, value, _ in regular):
        content_length([value for name, value, _ in regular if name == b"content-length"])
        regular = [field for field in regular if field[0] != b"content-length"]
    lines = b"".join(header_lines(regular))
    response = Response()
    response.status = status = int(fields[0][1])
    if status == 101:
        raise StreamFault(PROTOCOL_ERROR, "HTTP/2 has no 101 (RFC 9113 §8.6)")
    response.head = b"HTTP/1.1 %d %b%b" % (status, reason_phrase(status), lines)
    response.size, response.keep_alive, response.upgrade = 0, True, b""
    length = content_length([value for name, value, _ in regular if name == b"content-length"])
    response.length = 0 if status < 200 or status in _NO_CONTENT else UNTIL_CLOSE if length < 0 else length
    return response


def _has_trailers(name: bytes, value: bytes) -> bool:
    """Return whether a field says that trailers follow: it announces them, or says that this is gRPC."""
    return name == b"trailer" or (name == b"content-type" and value.startswith(b"application/grpc"))


def without_content(response: Response) -> Response:
    """Return a copy of a response that has no content, such as one to HEAD."""
    response = copy(response)
    response.length = 0
    return response


def response_fields(head: bytes) -> list[Field]:
    """Return the fields of a status line with header lines."""
    status_line, separator, lines = head.partition(b"\r\n")
    return [(b":status", status_line[9:12], False), *fields_of(separator + lines)]
