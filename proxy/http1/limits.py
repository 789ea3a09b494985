"""What a client may send, and which header lines of it are never passed on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

Underscores = Literal["allow", "reject", "drop"]
"""What becomes of header lines whose names have underscores."""

# Header lines that end here: hop-by-hop (RFC 9110 §7.6.1), framing (written anew), and what a client
# must not be able to claim. Underscores too: servers of the CGI family cannot tell them from hyphens.
_ENDS_HERE = (
    rb"\r\n((?i:connection|keep-alive|proxy-connection|proxy-authorization|te|transfer[-_]encoding"
    rb"|content[-_]length|upgrade|http2-settings|%b))"
    rb":[ \t]*([^\r\n]*)"
)
_CLAIMS = rb"x[-_]real[-_]ip|x[-_]forwarded[-_][^:\r\n]*"
# A peer that is trusted may claim these, but not with underscores: it may have passed them on unseen.
_CLAIMS_TRUSTED = rb"x_real[-_]ip|x-real_ip|(?=[^:\r\n]*_)x[-_]forwarded[-_][^:\r\n]*"
ENDS_HERE = re.compile(_ENDS_HERE % _CLAIMS)
ENDS_HERE_TRUSTED = re.compile(_ENDS_HERE % _CLAIMS_TRUSTED)
# What ends here without a look at underscores, and all names that have one.
_UNDERSCORED = rb"%b|[^:_\r\n]*+_[^:\r\n]*+"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may send: bytes of a head, of its request line and of a body, number of lines.

    `body_bytes` is 0 where a body has no limit; `ends_here` finds the lines that it may not pass on, and
    `underscores` says whether those with underscores in their names are refused.
    """

    head_bytes: int = 65536
    line_bytes: int = 16384
    headers: int = 100
    body_bytes: int = 0
    ends_here: re.Pattern[bytes] = ENDS_HERE
    underscores: Underscores = "allow"


def limits_of(limits: Limits, underscores: Underscores, *, trusted: bool = False) -> Limits:
    """The limits for clients of an entry point, or for its trusted proxies."""
    claims = _CLAIMS_TRUSTED if trusted else _CLAIMS
    found = claims if underscores == "allow" else _UNDERSCORED % claims
    return replace(limits, ends_here=re.compile(_ENDS_HERE % found), underscores=underscores)
