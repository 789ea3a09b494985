"""Splits the body of a response into lines as they arrive."""

from __future__ import annotations

from collections.abc import Iterator

from urllib3 import BaseHTTPResponse

from discovery.http_client.errors import HttpError

_PART = 65536
_MAX_LINE = 16 * 1024 * 1024


def read_lines(response: BaseHTTPResponse) -> Iterator[bytes]:
    """Yield each line without its end; an incomplete last line is left out.

    Raises urllib3's errors, and HttpError for a line of more than 16 MiB.
    """
    waiting = b""
    while part := response.read1(_PART):
        *lines, waiting = (waiting + part).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in lines)
        if len(waiting) > _MAX_LINE:
            raise HttpError("the stream has a line of more than 16 MiB")
