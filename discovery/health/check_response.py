"""What a server's answer to a health check says."""

from __future__ import annotations

import re

from rondpoint.model import HealthCheck

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\r?\n")


class ResponseError(ValueError):
    """What came is no answer in HTTP/1."""


def status_of(line: bytes) -> int:
    """The status that a response's first line tells, its end included. Raises AnswerError."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise ResponseError(
            "its answer is not HTTP/1.1" if line else "it ended the connection without an answer"
        )
    return int(found[1])


def location_in(line: bytes) -> str | None:
    """The value of a header line, decoded as latin-1, if it is that of `Location`."""
    name, colon, value = line.partition(b":")
    return value.strip().decode("latin-1") if colon and name.lower() == b"location" else None


def status_fault(status: int, check: HealthCheck) -> str:
    """Why this status means that a server is not well; empty when it does not."""
    if check.status:
        return "" if status == check.status else f"status {status} instead of {check.status}"
    return "" if 200 <= status < 400 else f"status {status}"
