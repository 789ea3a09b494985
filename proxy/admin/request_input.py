"""The content of a request as `wsgi.input`, which is received when the application first reads it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from proxy.http1.errors import RequestError
from proxy.middlewares.request_content import ContentTooLargeError, read_content

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from proxy.http1.request import Request
    from proxy.middlewares.step import Client


class RequestInput(io.RawIOBase):
    """At most `limit` bytes of content. Nobody receives content that the application has no use for.

    `fault` is what the client did wrong, if its content could not be received.
    """

    def __init__(self, request: Request, client: Client, limit: int) -> None:
        super().__init__()
        self._request = request
        self._client = client
        self._limit = limit
        self._content: io.BytesIO | None = None
        self.fault: RequestError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        if self._content is None:
            self._content = io.BytesIO(self._receive())
        return self._content.readinto(buffer)

    def _receive(self) -> bytes:
        """Return the content. Raises RequestEntityTooLarge, and ClientDisconnected for any other fault."""
        try:
            return read_content(self._request, self._client, self._limit)
        except ContentTooLargeError:
            raise RequestEntityTooLarge from None
        except RequestError as error:
            self.fault = error
            raise ClientDisconnected from error
