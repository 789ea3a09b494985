"""A request head that comes in pieces: each byte is looked at once, however many pieces there are.

A client that sends a head byte by byte must not have the whole of it searched anew for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError

if TYPE_CHECKING:
    from proxy.http1.limits import Limits

_END = b"\r\n\r\n"


class PartialHead:
    """The bytes of a head so far; `data` may hold some behind its end, once that has come."""

    __slots__ = ("_in_first_line", "_limits", "data")

    def __init__(self, limits: Limits) -> None:
        self.data = bytearray()
        self._limits = limits
        self._in_first_line = True

    def add(self, piece: bytes) -> bool:
        """Take the next bytes; whether the head is complete.

        Raises RequestError as soon as it is certain that no valid head can come of it.
        """
        data, limits = self.data, self._limits
        seen = len(data)
        data += piece
        # An end may have begun with the last three bytes seen, a line end with the last one.
        end = data.find(_END, max(0, seen - 3))
        size = end + 4 if end >= 0 else len(data)
        if data and not seen:
            _check_start(data)
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


def _check_start(data: bytearray) -> None:
    if data[:1] in b"\r\n":
        raise RequestError(400, "a request starts with its method")
    if data[:1] == b"\x16":
        raise RequestError(400, "this entry point does not speak TLS")
