"""Parses and evaluates a server's response to a health check."""

from __future__ import annotations

import re

from rondpoint.model import HealthCheck

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\r?\n")


class ResponseError(ValueError):
    """The server's bytes are not an HTTP/1 response."""


def parse_status(line: bytes) -> int:
    """Return the status in a response's first line, given with its line end. Raises ResponseError."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise ResponseError(
            "its response is not HTTP/1.1" if line else "it closed the connection without a response"
        )
    return int(found[1])


def parse_location(line: bytes) -> str | None:
    """Return the value of a `Location` header line, decoded as latin-1; None for other headers."""
    name, colon, value = line.partition(b":")
    return value.strip().decode("latin-1") if colon and name.lower() == b"location" else None


def status_fault(status: int, check: HealthCheck) -> str:
    """Return why a status fails the check; empty if it passes."""
    if check.status:
        return "" if status == check.status else f"status {status} instead of {check.status}"
    return "" if 200 <= status < 400 else f"status {status}"
