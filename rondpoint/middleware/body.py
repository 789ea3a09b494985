"""What requests and responses have in common: headers, and a body that can be read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from rondpoint.middleware.headers import Headers, Items

READ_LIMIT = 4 << 20
"""The most bytes that `read` takes into memory, unless the caller gives another limit."""

Body = bytes | str | Iterable[bytes]
"""What a middleware may use as a body; text is sent in UTF-8."""


class BodyError(Exception):
    """A body ended early, was invalid, came too late, or exceeds a limit.

    If a middleware does not catch it, the client gets `status`.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Message:
    """A message with headers, and with a body that can be read once, piece by piece or as a whole."""

    __slots__ = ("_content", "_headers")

    too_large = 500
    """The status for a body that exceeds the limit of `read`."""

    def __init__(self, headers: Headers | Items = (), body: Body = b"") -> None:
        self._content: bytes | Iterator[bytes] = b""
        self.headers = headers
        self.body = body

    @property
    def headers(self) -> Headers:
        return self._headers

    @headers.setter
    def headers(self, headers: Headers | Items) -> None:
        self._headers = headers if isinstance(headers, Headers) else Headers(headers)

    @property
    def body(self) -> Iterator[bytes]:
        """The pieces of the body that are not read yet.

        A middleware may set a body of its own: bytes, text, or an iterable of pieces, such as a generator
        that takes pieces from this iterator. Pieces that a middleware takes are gone for the receiver.
        """
        content = self._content
        return iter((content,) if content else ()) if isinstance(content, bytes) else content

    @body.setter
    def body(self, body: Body) -> None:
        if isinstance(body, str):
            body = body.encode()
        elif isinstance(body, bytearray | memoryview):
            body = bytes(body)
        self._content = body if isinstance(body, bytes) else iter(body)

    @property
    def content(self) -> bytes | Iterator[bytes]:
        """The whole body if it is in memory, otherwise the iterator of its pieces."""
        return self._content

    def read(self, limit: int = READ_LIMIT) -> bytes:
        """Return the whole body, which stays in the message.

        Raises BodyError if it has more than `limit` bytes; it can then still be iterated over.
        """
        content = self._content
        if isinstance(content, bytes):
            if len(content) > limit:
                raise self._too_large(limit)
            return content
        pieces: list[bytes] = []
        size = 0
        for piece in content:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                self._content = chain(pieces, content)
                raise self._too_large(limit)
        self._content = b"".join(pieces)
        return self._content

    def _too_large(self, limit: int) -> BodyError:
        return BodyError(self.too_large, f"the body has more than {limit} bytes")
