"""Requests that differ from an earlier one in their path alone, as most of a browser's do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError
from proxy.http1.request import Request
from proxy.http2.fields import list_size
from proxy.http2.request_head import check_path, check_sizes, parse_request, target_of, with_content

if TYPE_CHECKING:
    from proxy.http1.limits import Limits
    from proxy.http2.fields import Field

    _Key = tuple[int | Field, ...]

# A browser has a few kinds of requests: documents, scripts, styles, images, calls.
_REMEMBERED = 8
_REMEMBERED_BYTES = 4096


class RequestParser:
    """Parses the requests of one client, and remembers the last ones without their paths.

    Fields that have been checked once are not checked again; a path is always checked.
    """

    __slots__ = ("_known", "_limits")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # By the fields without the path: the request, and the bytes of the list without the path.
        self._known: dict[_Key, tuple[Request, int]] = {}

    def parse(self, fields: list[Field]) -> Request | RequestError:
        """Return the request, or the error to respond in its place. Raises StreamFault."""
        try:
            return self._parse(fields)
        except RequestError as error:
            return error

    def _parse(self, fields: list[Field]) -> Request:
        position = next((number for number, field in enumerate(fields) if field[0] == b":path"), -1)
        if position < 0:
            return parse_request(fields, self._limits)
        path = fields[position][1]
        # Without its position, a path after other fields, which is malformed, would have the same key.
        key: _Key = (position, *fields[:position], *fields[position + 1 :])
        known = self._known.get(key)
        if known is not None:
            return self._again(*known, path)
        request = parse_request(fields, self._limits)
        size = list_size(fields)
        if size <= _REMEMBERED_BYTES:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = request, size - len(path)
        return request

    def _again(self, template: Request, list_bytes: int, path: bytes) -> Request:
        check_path(path)
        check_sizes(list_bytes + len(path), path, self._limits)
        request = with_content(template, ended=False)
        request.target = target_of(path, self._limits)
        return request
