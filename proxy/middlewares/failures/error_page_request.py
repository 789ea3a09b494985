"""Builds the target and the header lines of the request for an error page."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_from_bytes

from proxy.http1.header_lines import header_line

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

BuildTarget = Callable[["Request", "Client", int, int], bytes]
"""Returns the request target of the page for a request with this status and this original status."""

BuildLines = Callable[["Request", "Client"], bytes]
"""Returns the header lines of the request for the page, with Host."""

_PLACEHOLDER = re.compile(r"\{(status|originalStatus|url)\}")
# As in a request target, with the escapes that are already there.
_TARGET_CHARACTERS = "!$%&'()*+,-./:;=?@[]_~"
# These belong to the client's own content, or to what the client has stored of its own target: a page server
# that applied them would respond with a part of its page, or with 304 and none.
_NOT_FOR_PAGES = re.compile(
    rb"\r\n(?i:expect|trailer|range|if-range|if-(?:none-)?match|if-(?:un)?modified-since):[^\r\n]*"
)


def compile_target(query: str) -> BuildTarget:
    """Compile the option `query`."""
    # A fragment is no part of a target.
    parts = _PLACEHOLDER.split("/" + query.partition("#")[0].removeprefix("/"))
    texts = [quote(text, safe=_TARGET_CHARACTERS).encode() for text in parts[::2]]
    names = parts[1::2]

    def build(request: Request, client: Client, status: int, original: int) -> bytes:
        target = texts[0]
        for name, text in zip(names, texts[1:], strict=True):
            if name == "url":
                target += _escaped_url(request, client)
            else:
                target += b"%d" % (status if name == "status" else original)
            target += text
        return target

    return build


def compile_lines(names: Sequence[str] | None) -> BuildLines:
    """Compile the option `errorRequestHeaders`; None stands for all headers. Raises ValueError."""
    if names is None:
        return _lines
    for name in names:
        # Checks the name.
        header_line(name, "")
    allowed = re.compile(
        rb"\r\n(?i:%b):[^\r\n]*" % b"|".join(re.escape(name.encode()) for name in (*names, "Host"))
    )

    def build(request: Request, client: Client) -> bytes:
        return b"".join(allowed.findall(_lines(request, client)))

    return build


def _lines(request: Request, client: Client) -> bytes:
    forwarded = client.forwarded(request.host)
    if client.extras is not None:
        forwarded = client.extras.apply_forwarded_steps(forwarded)
    return _NOT_FOR_PAGES.sub(b"", request.headers) + forwarded


def _escaped_url(request: Request, client: Client) -> bytes:
    """Return the client's URL, escaped as the value of a parameter."""
    scheme = b"https" if client.tls else b"http"
    return quote_from_bytes(b"%b://%b%b" % (scheme, request.host, request.target), safe="").encode()
