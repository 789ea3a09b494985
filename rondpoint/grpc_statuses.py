"""The names of gRPC's statuses by their numbers, which `grpc-status` holds."""

from __future__ import annotations

NAMES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"),
    *("UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)


def status_name(number: int) -> str:
    """Return the name of a status; return an unknown number as digits."""
    return NAMES[number] if 0 <= number < len(NAMES) else str(number)
