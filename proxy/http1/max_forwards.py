"""`Max-Forwards`: the number of proxies that an OPTIONS or TRACE request may pass (RFC 9110 §7.6.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError

if TYPE_CHECKING:
    from proxy.http1.request import Request

LIMITED_METHODS = frozenset((b"OPTIONS", b"TRACE"))
"""The methods that the header applies to; with other methods it is forwarded unchanged."""

ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
"""The methods that the proxy's own responses name.

TRACE is not among them. Sending back a request (RFC 9110 §9.3.8) shows scripts the cookies and passwords that
browsers hide from them, and headers that proxies in front have added. nginx refuses TRACE, too.
"""

MAX_VALUE = 999_999_999
"""Larger numbers are forwarded as this one."""

_LINE = re.compile(rb"\r\n(?i:max-forwards):[ \t]*([^\r\n]*)")
_DIGITS = re.compile(rb"0*([0-9]+)[ \t]*")


def decrement_max_forwards(request: Request) -> bool:
    """Decrement `Max-Forwards` in a request with one of LIMITED_METHODS; return False if no server may get
    it.

    Raises RequestError for anything but one number, like Apache, because its meaning is unknown.
    """
    headers = request.headers
    found = _LINE.search(headers)
    if found is None:
        return True
    digits = _DIGITS.fullmatch(found[1])
    if digits is None or _LINE.search(headers, found.end()):
        raise RequestError(400, "Max-Forwards must be one number")
    # Longer numbers need no conversion.
    number = int(digits[1]) if len(digits[1]) < 10 else MAX_VALUE + 1
    if not number:
        return False
    request.headers = b"%b%d%b" % (headers[: found.start(1)], number - 1, headers[found.end(1) :])
    return True
