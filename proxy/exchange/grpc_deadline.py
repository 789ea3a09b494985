"""The deadline of a gRPC call, which its client sends as `grpc-timeout`, as the latest end of its exchange.

Client and server end the call by themselves. The proxy waits a moment longer, for a server that hangs and a
client that does not look at its clock.
"""

from __future__ import annotations

import re
from time import monotonic
from typing import TYPE_CHECKING

from proxy.net.deadlines import NEVER

if TYPE_CHECKING:
    from proxy.http1.request import Request

GRACE = 1.0
"""Seconds after the call's deadline, in which the server may still say so itself."""

DEADLINE = "gateway timeout: the deadline of the call has passed"
"""The reason in the error for the client."""

_TIMEOUT = re.compile(rb"\r\n(?i:grpc-timeout):[ \t]*([0-9]{1,8})([HMSmun])[ \t]*(?=\r|\Z)")
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


def call_deadline(request: Request) -> float:
    """Return the latest end of a call that begins now, in monotonic seconds; NEVER if it has none."""
    # Most requests have no such line, and a plain search finds that out without a regular expression.
    headers = request.headers
    if b"rpc-" not in headers:
        return NEVER
    found = _TIMEOUT.search(headers)
    if found is None:
        return NEVER
    return monotonic() + int(found[1]) * _UNITS[found[2]] + GRACE
