"""New ids of requests and of their traces, as the header lines that bring them to a server.

Many are drawn at once, for a fraction of the cost of single ones. A request id has 120 random bits that the
ids of one draw share, and its number in the draw. A trace id has 128 random bits, and the id of a span has
64. The generator is seeded with random numbers of the system, in each process anew: so ids of different
workers differ, and so do those of a restarted one. No request needs a system call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from random import Random
from struct import Struct

IDS_PER_DRAW = 256

REQUEST_ID = b"\r\nX-Request-Id: "
TRACEPARENT = b"\r\ntraceparent: 00-"
_NOT_SAMPLED, _SAMPLED = b"-00", b"-01"

_PREFIX = 30
_NUMBERS = [b"%02x" % number for number in range(IDS_PER_DRAW)]

_TRACES = Struct("16s16s16s" * IDS_PER_DRAW)

_ZERO = "0" * 16
_ONE = "0" * 15 + "1"


def draw_ids(random: Random, digits: int) -> bytes:
    """Return IDS_PER_DRAW ids of `digits` digits (16 or more) as one byte string.

    No id has 16 zeros in a row: an id of zeros is invalid.
    """
    return random.randbytes(digits * IDS_PER_DRAW // 2).hex().replace(_ZERO, _ONE).encode()


def sampling_bound(rate: float) -> bytes:
    """Return the bound for a sampling rate: ids whose last 16 digits are below it are sampled."""
    bound = round(rate * (1 << 64))
    # At rate 1, a letter above every hexadecimal digit.
    return b"%016x" % bound if bound < 1 << 64 else b"g"


def request_id(lines: bytes) -> bytes:
    """Return the request id in drawn lines; empty if there is none."""
    return request_id_line(lines)[len(REQUEST_ID) :]


def request_id_line(lines: bytes) -> bytes:
    """Return the line of the request id in drawn lines; empty if there is none."""
    return lines[: len(REQUEST_ID) + 32] if lines.startswith(REQUEST_ID) else b""


def trace_context(lines: bytes) -> bytes:
    """Return the line of the trace in drawn lines; empty if there is none."""
    return lines[len(request_id_line(lines)) :]


def trace_ids(lines: bytes) -> bytes:
    """Return the ids of trace and span in drawn lines with a hyphen between them; empty if there are none."""
    return trace_context(lines)[len(TRACEPARENT) : -len(_SAMPLED)]


def is_sampled(lines: bytes) -> bool:
    """Return whether the trace in drawn lines is sampled."""
    return lines.endswith(_SAMPLED)


class DrawnIds:
    """A source of new ids: of requests if `request_ids`, and of traces if there is a sampling `bound`."""

    def __init__(self, *, request_ids: bool, bound: bytes = b"") -> None:
        self.left: list[bytes] = [b""]
        """Lines that were drawn; a request may pop one by itself, which saves a call.

        Instead of an empty one, `take_rare` returns the next.
        """
        names = (b"x-request-id",) * request_ids + (b"traceparent", b"tracestate") * bool(bound)
        self.given = re.compile(rb"\r\n(?i:%b):" % b"|".join(names))
        """Finds header lines in which a client gives such ids."""
        self._request_ids = request_ids
        self._bound = bound
        # The lines of sampled traces, each in place of an empty one in `left`.
        self._sampled: list[bytes] = []
        # Not the module's generator: forked workers would all draw the same numbers from it.
        self._random = Random()  # noqa: S311 (names, not secrets)

    def take(self) -> bytes:
        """Return the lines of a new request."""
        return self.left.pop() or self.take_rare()

    def take_rare(self) -> bytes:
        """Return the lines in place of an empty one: those of a sampled trace, or newly drawn ones."""
        if self.left:
            return self._sampled.pop()
        self._draw()
        return self.take()

    def _draw(self) -> None:
        row: list[bytes] = []
        columns: list[Sequence[bytes]] = []
        ends: Sequence[bytes] = ()
        if self._request_ids:
            prefix = self._random.getrandbits(4 * _PREFIX)
            row += REQUEST_ID + b"%0*x" % (_PREFIX, prefix), b""
            columns.append(_NUMBERS)
        if self._bound:
            found = _TRACES.unpack(draw_ids(self._random, 48))
            starts, ends, spans = found[0::3], found[1::3], found[2::3]
            row += TRACEPARENT, b"", b"", b"-", b"", _NOT_SAMPLED
            columns += starts, ends, spans
        texts = row * IDS_PER_DRAW
        positions = [number for number, text in enumerate(row) if not text]
        for position, column in zip(positions, columns, strict=True):
            texts[position :: len(row)] = column
        joined = b"".join(texts)
        lines = list(_cutter(len(joined) // IDS_PER_DRAW).unpack(joined))
        for number in [number for number, end in enumerate(ends) if end < self._bound]:
            self._sampled.append(lines[number].removesuffix(_NOT_SAMPLED) + _SAMPLED)
            lines[number] = b""
        self.left += b"", *lines


@cache
def _cutter(size: int) -> Struct:
    """Return a struct that cuts the lines of one draw, each of this size."""
    return Struct(f"{size}s" * IDS_PER_DRAW)
