"""RecordIO, the framing of Mesos's event stream: the length in digits, a line end, and then the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MAX_RECORD = 1024 * 1024
"""Bytes of a record that is returned; the snapshot of a whole cluster is longer."""

_MAX_DIGITS = 20


class RecordError(ValueError):
    """Bytes that are no records."""


def read_records(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each complete record, or nothing in place of one above MAX_RECORD. Raises RecordError."""
    waiting = bytearray()
    skipped = 0
    for part in parts:
        waiting += part
        while True:
            if skipped:
                passed = min(skipped, len(waiting))
                del waiting[:passed]
                skipped -= passed
                if skipped:
                    break
                yield b""
            end = waiting.find(b"\n", 0, _MAX_DIGITS + 1)
            if end < 0:
                if len(waiting) > _MAX_DIGITS:
                    raise RecordError(f"no length of a record: {bytes(waiting[:_MAX_DIGITS])!r}")
                break
            digits = bytes(waiting[:end])
            if not digits.isdigit():
                raise RecordError(f"no length of a record: {digits!r}")
            length = int(digits)
            if length > MAX_RECORD:
                del waiting[: end + 1]
                skipped = length
                continue
            if len(waiting) < end + 1 + length:
                break
            yield bytes(waiting[end + 1 : end + 1 + length])
            del waiting[: end + 1 + length]
