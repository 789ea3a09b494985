"""`Max-Forwards`, by which a client says how many proxies an OPTIONS or TRACE may pass (RFC 9110 §7.6.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError

if TYPE_CHECKING:
    from proxy.http1.request import Request

LIMITED = frozenset((b"OPTIONS", b"TRACE"))
"""The methods it is for; with others it says nothing, and passes on as it is."""

ALLOWED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
"""The methods to name in answers of ours.

TRACE is none of them. To send back a request, as RFC 9110 §9.3.8 has it, shows scripts the cookies and
passwords that browsers hide from them, and what proxies in front have added; nginx refuses TRACE, too.
"""

MOST = 999_999_999
"""A larger number goes on as this one."""

_LINE = re.compile(rb"\r\n(?i:max-forwards):[ \t]*([^\r\n]*)")
_DIGITS = re.compile(rb"0*([0-9]+)[ \t]*")


def pass_limit(request: Request) -> bool:
    """Count this proxy in a request of a `LIMITED` method; False if no server may get it.

    Raises RequestError for anything but one number, as Apache does: what it allows is unknown.
    """
    headers = request.headers
    found = _LINE.search(headers)
    if found is None:
        return True
    digits = _DIGITS.fullmatch(found[1])
    if digits is None or _LINE.search(headers, found.end()):
        raise RequestError(400, "Max-Forwards must be one number")
    # Longer numbers need not be taken apart.
    number = int(digits[1]) if len(digits[1]) < 10 else MOST + 1
    if not number:
        return False
    request.headers = b"%b%d%b" % (headers[: found.start(1)], number - 1, headers[found.end(1) :])
    return True
