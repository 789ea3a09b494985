"""The response that a middleware gets from `forward`, or makes itself."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Self

from rondpoint.middleware.body import Body, Message
from rondpoint.middleware.headers import Headers, Items

_SWITCHING = 101


class Response(Message):
    """A response on its way to the client."""

    __slots__ = ("_status",)

    too_large = 502

    def __init__(self, status: int = 200, headers: Items = (), body: Body = b"") -> None:
        """Create a response. Raises ValueError for headers or a status that none may have."""
        super().__init__(headers, body)
        self._status = 0
        self.status = status

    @classmethod
    def received(cls, status: int, headers: Headers, body: bytes | Iterator[bytes]) -> Self:
        """Return the response of a server, or of a middleware that comes after this one."""
        response = cls.__new__(cls)
        response._status = status
        response._headers = headers
        response._content = body
        return response

    @property
    def status(self) -> int:
        """The status code, from 200 to 599; 101 in the response to an upgraded request."""
        return self._status

    @status.setter
    def status(self, status: int) -> None:
        if not 200 <= status <= 599:
            raise ValueError(f"{status!r} is not the status of a response: expected 200 to 599")
        self._status = int(status)

    @property
    def switches_protocols(self) -> bool:
        """Whether the connection becomes another protocol's, such as a WebSocket: only headers can change."""
        return self._status == _SWITCHING

    def __repr__(self) -> str:
        try:
            return f"<Response {self._status} {HTTPStatus(self._status).phrase}>"
        except ValueError:
            return f"<Response {self._status}>"
