"""Functions on header lines as bytes: each line begins with CRLF, and none ends with it."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 §5.5: no control characters but the tab.
_VALUE = re.compile(r"[\t -~\x80-\xff]*")


def values_of(lines: bytes, name: bytes) -> list[bytes]:
    """Return the values of all lines of that name, regardless of case, without white space around them."""
    return [value.strip(b" \t") for value in _pattern(name).findall(lines)]


def first_value(lines: bytes, name: bytes) -> bytes:
    """Return the value of the first line of that name, as `values_of` does; empty if there is none."""
    found = _pattern(name).search(lines)
    return found[1].strip(b" \t") if found else b""


def lines_of(lines: bytes, name: bytes) -> bytes:
    """Return the lines of that name, regardless of case."""
    return b"".join(found[0] for found in _pattern(name).finditer(lines))


def without(lines: bytes, name: bytes) -> bytes:
    """Return `lines` without the lines of that name, regardless of case."""
    return _pattern(name).sub(b"", lines)


def with_value(lines: bytes, name: bytes, value: bytes) -> bytes:
    """Return `lines` with one line of that name, at the end, in place of all others of that name."""
    return b"%b\r\n%b: %b" % (without(lines, name), name, value)


def header_line(name: str, value: str) -> bytes:
    """Return a line that a user has configured, in UTF-8. Raises ValueError for what no line may contain."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    encoded = value.encode()
    if not _VALUE.fullmatch(encoded.decode("latin-1")):
        raise ValueError(f"the value of header {name} contains a control character")
    return b"\r\n%b: %b" % (name.encode(), encoded)


# Names may come from clients and servers, in `Connection`, so they must not fill the memory.
@lru_cache(maxsize=512)
def _pattern(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\r\n(?i:" + re.escape(name) + rb"):([^\r\n]*)")
