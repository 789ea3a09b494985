"""The head of a response as a value that middlewares may change on its way to the client."""

from __future__ import annotations

from http import HTTPStatus


class ResponseHead:
    """A status and header lines; `lines` begin each with CRLF, and the last one does not end with it.

    Framing lines other than Content-Length are not among them: the client's side writes those. `body_start`
    holds the first bytes of the body, if a response step needs them (`Extras.needs_body_start`).
    """

    __slots__ = ("_status_line", "body_start", "lines", "status")

    def __init__(self, status: int, lines: bytes = b"", status_line: bytes = b"") -> None:
        self.status = status
        self.lines = lines
        self.body_start = b""
        self._status_line = status_line

    @classmethod
    def parse(cls, head: bytes) -> ResponseHead:
        """Return the value of a status line with header lines, as `parse_response` leaves them in `head`."""
        status_line, separator, lines = head.partition(b"\r\n")
        return cls(int(status_line[9:12]), separator + lines, status_line)

    def encode(self) -> bytes:
        """Return the status line and the header lines; a changed status gets its own reason phrase."""
        if self._status_line[9:12] == b"%d" % self.status:
            return self._status_line + self.lines
        return b"HTTP/1.1 %d %b%b" % (self.status, reason_phrase(self.status), self.lines)


def reason_phrase(status: int) -> bytes:
    """Return the registered reason phrase of a status; return nothing for another status."""
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
