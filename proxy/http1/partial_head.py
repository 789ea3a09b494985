"""A request head that arrives in pieces: each byte is examined once, regardless of the number of pieces.

A client that sends a head byte by byte must not make the proxy search the whole head for each byte.

One empty line before a head is skipped (RFC 9112 §2.2): old clients send one after the body of a POST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError

if TYPE_CHECKING:
    from proxy.http1.limits import Limits

EMPTY_LINE = b"\r\n"
_END = b"\r\n\r\n"


class PartialHead:
    """The received bytes of a head, without an empty line before it.

    Once the head is complete, `data` may hold further bytes after it.
    """

    __slots__ = ("_begun", "_in_first_line", "_limits", "data")

    def __init__(self, limits: Limits) -> None:
        self.data = bytearray()
        self._limits = limits
        self._begun = False
        self._in_first_line = True

    def add(self, piece: bytes) -> bool:
        """Add the next bytes, and return whether the head is complete.

        Raises RequestError as soon as the head can no longer become valid.
        """
        data, limits = self.data, self._limits
        seen = len(data)
        data += piece
        if not self._begun:
            seen = 0
            self._begun = _skip_empty_line(data)
            if not self._begun:
                return False
        # The end of the head may begin in the last three examined bytes, and a line end in the last one.
        end = data.find(_END, max(0, seen - 3))
        size = end + 4 if end >= 0 else len(data)
        if self._in_first_line:
            line_end = data.find(b"\r\n", max(0, seen - 1))
            self._in_first_line = line_end < 0
            # The last byte may be the line's CR.
            if (line_end if line_end >= 0 else len(data) - 1) > limits.line_bytes:
                raise RequestError(414, "request line too long")
        if size > limits.head_bytes:
            raise RequestError(431, "request head too large")
        if end < 0:
            begin = seen - 1 if seen and data[seen - 1] == 13 else seen
            if data.count(b"\n", begin) != data.count(b"\r\n", begin):
                raise RequestError(400, "line ends must be CRLF")
        return end >= 0


def _skip_empty_line(data: bytearray) -> bool:
    """Remove an empty line from the start of `data`, and return whether bytes of the head itself are there.

    Raises RequestError if the bytes cannot begin a head.
    """
    if data.startswith(EMPTY_LINE) and len(data) > len(EMPTY_LINE):
        del data[: len(EMPTY_LINE)]
    elif EMPTY_LINE.startswith(data):
        return False
    if data[0] in EMPTY_LINE:
        raise RequestError(400, "a request must start with its method, after at most one empty line")
    if data[:1] == b"\x16":
        raise RequestError(400, "this entry point does not speak TLS")
    return True
