"""The head of a response as a value that middlewares may change on its way to the client."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from proxy.http1.body_filter import FilterSequence
from proxy.http1.body_source import FilteredSource, PiecesSource, content_source
from proxy.http1.header_lines import without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.http1.body_filter import BodyFilter
    from proxy.http1.body_source import BodySource

CONTINUE = b"HTTP/1.1 100 Continue"


class ResponseHead:
    """A status and header lines; `lines` begin each with CRLF, and the last one does not end with it.

    Framing lines other than Content-Length are not among them: the client's side writes those. `length` is
    the length of the body in bytes: 0 without a body, negative if it is unknown. `body_start` holds the first
    bytes of the body, if a response step needs them (`Extras.needs_body_start`). `content` is the whole new
    body after `replace_body`, and None before; so are `pieces` after `stream_body`. `source` yields the
    body, if a response step reads it (`Extras.reads_body`).
    """

    __slots__ = (
        "_filters",
        "_status_line",
        "body_start",
        "content",
        "length",
        "lines",
        "pieces",
        "source",
        "status",
    )

    def __init__(self, status: int, lines: bytes = b"", status_line: bytes = b"", length: int = 0) -> None:
        self.status = status
        self.lines = lines
        self.body_start = b""
        self.content: bytes | None = None
        self.pieces: Iterator[bytes] | None = None
        self.source: BodySource | None = None
        self.length = length
        self._status_line = status_line
        self._filters: list[BodyFilter] = []

    @classmethod
    def parse(cls, head: bytes, length: int = 0) -> ResponseHead:
        """Return the value of a status line with header lines, as `parse_response` leaves them in `head`."""
        status_line, separator, lines = head.partition(b"\r\n")
        return cls(int(status_line[9:12]), separator + lines, status_line, length)

    def add_filter(self, body_filter: BodyFilter) -> None:
        """Send the body through this filter, after the filters that were added before.

        The length of the body becomes unknown.
        """
        self._filters.append(body_filter)
        self.lines = without(self.lines, b"content-length")
        self.length = -1

    def replace_body(self, content: bytes) -> None:
        """Send this content instead of the body; filters that were added before do not apply to it.

        The response must be one that may have content. The response to HEAD gets the length alone.
        """
        self._filters.clear()
        self.pieces = None
        self.content = self.body_start = content
        self.length = len(content)
        self.lines = without(self.lines, b"content-length") + b"\r\nContent-Length: %d" % len(content)

    def stream_body(self, pieces: Iterator[bytes]) -> None:
        """Send these pieces instead of the body; filters that were added before do not apply to them.

        The iterator raises BodyError if it cannot yield all of them, which cuts the response.
        """
        self._filters.clear()
        self.pieces, self.content, self.body_start = pieces, None, b""
        self.length = -1
        self.lines = without(self.lines, b"content-length")

    def open_body(self) -> BodySource | None:
        """Return the body as the steps before have left it, for reading; None if there is none.

        If it is read, the caller replaces the body, be it by the rest of the source.
        """
        if self.content is not None:
            source: BodySource | None = content_source(self.content)
        else:
            source = self.source if self.pieces is None else PiecesSource(self.pieces)
        if source is not None:
            for each in self._filters:
                source = FilteredSource(source, each)
        return source

    @property
    def body_filter(self) -> BodyFilter | None:
        """All filters of the body as one; None if there are none."""
        return FilterSequence(self._filters) if len(self._filters) > 1 else next(iter(self._filters), None)

    def encode(self) -> bytes:
        """Return the status line and the header lines; a changed status gets its own reason phrase."""
        if self._status_line[9:12] == b"%d" % self.status:
            return self._status_line + self.lines
        return b"HTTP/1.1 %d %b%b" % (self.status, reason_phrase(self.status), self.lines)


_REASON_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


def reason_phrase(status: int) -> bytes:
    """Return the registered reason phrase of a status; return nothing for another status."""
    return _REASON_PHRASES.get(status, b"")
