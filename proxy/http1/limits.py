"""Limits for what clients send, and the header lines that the proxy never forwards."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from proxy.http1.request_target import RESOLVED_TARGETS, TargetRules

Underscores = Literal["allow", "reject", "drop"]
"""How to handle header lines with underscores in their names."""

# Header lines that are removed: hop-by-hop (RFC 9110 §7.6.1), framing (written anew), and claims that a
# client must not make. Their forms with underscores too: CGI servers cannot tell underscores from hyphens.
_REMOVED_LINES = (
    rb"\r\n((?i:connection|keep-alive|proxy-connection|proxy-authorization|te|transfer[-_]encoding"
    rb"|content[-_]length|upgrade|http2-settings|%b))"
    rb":[ \t]*([^\r\n]*)"
)
_CLAIMS = rb"x[-_]real[-_]ip|x[-_]forwarded[-_][^:\r\n]*"
# A trusted peer may send these, but not with underscores: it may have forwarded those without noticing them.
_CLAIMS_TRUSTED = rb"x_real[-_]ip|x-real_ip|(?=[^:\r\n]*_)x[-_]forwarded[-_][^:\r\n]*"
REMOVED_LINES = re.compile(_REMOVED_LINES % _CLAIMS)
REMOVED_LINES_TRUSTED = re.compile(_REMOVED_LINES % _CLAIMS_TRUSTED)
# The claims of either kind, and all names with an underscore.
_UNDERSCORED = rb"%b|[^:_\r\n]*+_[^:\r\n]*+"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for requests: bytes of a head, of its request line and of a body, and the number of header
    lines.

    `body_bytes` is 0 for no limit. `removed_lines` matches the lines that the proxy does not forward.
    `underscores` decides about header lines with underscores in their names, `targets` about the targets
    that are rewritten.
    """

    head_bytes: int = 65536
    line_bytes: int = 16384
    headers: int = 100
    body_bytes: int = 0
    removed_lines: re.Pattern[bytes] = REMOVED_LINES
    underscores: Underscores = "allow"
    targets: TargetRules = RESOLVED_TARGETS


def limits_for(limits: Limits, underscores: Underscores, *, trusted: bool = False) -> Limits:
    """Return the limits for clients of an entry point, or for its trusted proxies."""
    claims = _CLAIMS_TRUSTED if trusted else _CLAIMS
    found = claims if underscores == "allow" else _UNDERSCORED % claims
    return replace(limits, removed_lines=re.compile(_REMOVED_LINES % found), underscores=underscores)
