"""What a client may send, and which header lines of it are never passed on."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Header lines that end here: hop-by-hop (RFC 9110 §7.6.1), framing (written anew), and what a client
# must not be able to claim. Underscores too: servers of the CGI family cannot tell them from hyphens.
_ENDS_HERE = (
    rb"\r\n((?i:connection|keep-alive|proxy-connection|proxy-authorization|te|transfer[-_]encoding"
    rb"|content[-_]length|upgrade|http2-settings|%b))"
    rb":[ \t]*([^\r\n]*)"
)
ENDS_HERE = re.compile(_ENDS_HERE % rb"x[-_]real[-_]ip|x[-_]forwarded[-_][^:\r\n]*")
# A peer that is trusted may claim these, but not with underscores: it may have passed them on unseen.
ENDS_HERE_TRUSTED = re.compile(
    _ENDS_HERE % rb"x_real[-_]ip|x-real_ip|(?=[^:\r\n]*_)x[-_]forwarded[-_][^:\r\n]*"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may send: bytes of a head, of its request line and of a body, number of lines.

    `body_bytes` is 0 where a body has no limit; `ends_here` finds the lines that it may not pass on.
    """

    head_bytes: int = 65536
    line_bytes: int = 16384
    headers: int = 100
    body_bytes: int = 0
    ends_here: re.Pattern[bytes] = ENDS_HERE
