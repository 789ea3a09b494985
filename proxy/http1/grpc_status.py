"""Finds the status of a gRPC call in its response, for the access log and metrics."""

from __future__ import annotations

import re

NO_GRPC_STATUS = -1
"""Stands for a response without a gRPC status."""

GRPC_STATUSES = 17
"""gRPC defines the statuses from 0 to 16."""

_UNKNOWN = 2
_STATUS = re.compile(rb"(?:\A|\n)(?i:grpc-status):[ \t]*([0-9]+)[ \t]*(?:\r|\Z)")


def find_grpc_status(head: bytes, trailers: bytes) -> int:
    """Return the status in the trailer lines, or in the head of a response without content.

    A number that gRPC does not define is UNKNOWN, as for its clients.
    """
    found = _STATUS.search(trailers) or _STATUS.search(head)
    if found is None:
        return NO_GRPC_STATUS
    digits = found[1]
    number = int(digits) if len(digits) < 3 else _UNKNOWN
    return number if number < GRPC_STATUSES else _UNKNOWN
