"""Parses, removes and writes the trace context headers `traceparent` and `tracestate` (W3C Trace Context)."""

from __future__ import annotations

import re

from msgspec import Struct

_PARENT = re.compile(rb"\r\n(?i:traceparent):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n|\Z)")
_STATE = re.compile(rb"\r\n(?i:tracestate):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n|\Z)")
_BOTH = re.compile(rb"\r\n(?i:traceparent|tracestate):[^\r\n]*")
# §3.2.2; a version above 00 may be longer, and what it adds is not passed on.
_VERSION_0 = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_LATER = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")

STATE_BYTES = 512
"""Largest `tracestate` in bytes that is passed on; a longer one may be left out (§3.3.1.5)."""


class Parent(Struct, frozen=True):
    """The client's span, parent of ours; `state` is the `tracestate` to pass on."""

    trace: int
    span: int
    sampled: bool
    state: bytes = b""


def parse_parent(headers: bytes) -> Parent | None:
    """Parse header lines, each with a leading CRLF; return None without a valid `traceparent`."""
    given = _PARENT.findall(headers)
    if len(given) != 1:
        return None
    found = _VERSION_0.fullmatch(given[0])
    if found is None and not given[0].startswith(b"00"):
        found = _LATER.fullmatch(given[0])
    if found is None or not found[1].strip(b"0") or not found[2].strip(b"0"):
        return None
    state = b",".join(_STATE.findall(headers))
    return Parent(
        int(found[1], 16),
        int(found[2], 16),
        bool(int(found[3], 16) & 1),
        state if len(state) <= STATE_BYTES else b"",
    )


def has_context(headers: bytes) -> bool:
    """Return whether the lines contain a trace context header, valid or not."""
    return _BOTH.search(headers) is not None


def context_headers(headers: bytes) -> bytes:
    """Return only the trace context headers of these lines."""
    return b"".join(_BOTH.findall(headers))


def remove_context(headers: bytes) -> bytes:
    """Return the lines without trace context headers."""
    return _BOTH.sub(b"", headers)


def context_lines(trace: int, span: int, sampled: bool, state: bytes) -> bytes:
    """Return the trace context header lines for this span, each with a leading CRLF."""
    line = b"\r\ntraceparent: 00-%032x-%016x-%02x" % (trace, span, sampled)
    return line + b"\r\ntracestate: " + state if state else line
