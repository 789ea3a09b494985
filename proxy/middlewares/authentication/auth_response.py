"""Uses the response of the authentication server of a forwardAuth middleware."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from proxy.http1.header_lines import header_line, values_of, with_value
from proxy.per_request.local_response import LocalResponse
from rondpoint.rules.patterns import compile_pattern

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.http1.response_head import ResponseHead
    from proxy.upstream.subrequest import WholeResponse

CopyHeaders = Callable[["Request", bytes], None]
"""Replaces headers of the request by those of the authentication server's response."""

_LINE = re.compile(rb"\r\n([^:\r\n]+):[^\r\n]*")
_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:")
_COOKIE = re.compile(rb"\r\n(?i:set-cookie):[ \t]*([^=;\r\n]*?)[ \t]*[=;][^\r\n]*")
# The proxy writes these anew in its own response.
_REWRITTEN = re.compile(rb"\r\n(?i:content-length|date|trailer|te|http2-settings):[^\r\n]*")

# Framing and hop-by-hop headers (RFC 9110 §7.6.1), and those that the proxy itself writes for servers.
_RESERVED = frozenset(
    (
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"http2-settings",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-forwarded-server",
        b"x-real-ip",
    )
)


def compile_copying(options: Mapping[str, Any]) -> CopyHeaders | None:
    """Compile `authResponseHeaders` and `authResponseHeadersRegex`; return None without both.

    Listed headers of the client are removed in any case, also with underscores for hyphens, because CGI
    servers cannot tell these apart. Raises ValueError for names that the proxy reserves.
    """
    names, expression = options["authResponseHeaders"], options["authResponseHeadersRegex"]
    if not names and not expression:
        return None
    listed, spoofed = _listed(names) if names else (None, None)
    matches = _name_matcher(expression) if expression else None

    def copy(request: Request, lines: bytes) -> None:
        headers = request.headers
        if listed is not None and spoofed is not None:
            headers = spoofed.sub(b"", headers) + b"".join(listed.findall(lines))
        if matches is not None:
            # This also removes the lines that were just added, which come again from the response.
            kept = [line[0] for line in _LINE.finditer(headers) if not matches(line[1])]
            headers = b"".join(kept)
            headers += b"".join(line[0] for line in _LINE.finditer(lines) if matches(line[1]))
        request.headers = headers

    return copy


def _listed(names: Iterable[str]) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return expressions for the lines of the response to copy, and of the client to remove."""
    for name in names:
        # Checks the name.
        header_line(name, "")
        if _normalised(name.encode()) in _RESERVED:
            raise ValueError(f"authResponseHeaders must not contain {name}, which the proxy writes itself")
    exact = b"|".join(re.escape(name.encode()) for name in names)
    loose = b"|".join(
        b"[-_]".join(re.escape(part) for part in re.split(rb"[-_]", name.encode())) for name in names
    )
    return re.compile(rb"\r\n(?i:%b):[^\r\n]*" % exact), re.compile(rb"\r\n(?i:%b):[^\r\n]*" % loose)


def _name_matcher(expression: str) -> Callable[[bytes], bool]:
    """Return a function that tells whether the name of a header matches.

    The expression sees names in the form `X-Auth-User`, as in Traefik, whatever their case in the request.
    """
    pattern = compile_pattern(expression)

    # Names come from clients, so they must not fill the memory.
    @lru_cache(maxsize=256)
    def matches(name: bytes) -> bool:
        normalised = _normalised(name)
        if normalised in _RESERVED:
            return False
        if pattern.search(_canonical(normalised)) is not None:
            return True
        return b"_" in name and pattern.search(_canonical(name)) is not None

    return matches


def _normalised(name: bytes) -> bytes:
    return name.lower().replace(b"_", b"-")


def _canonical(name: bytes) -> str:
    return "-".join(part.capitalize() for part in name.decode("latin-1").split("-"))


def compile_cookies(names: Iterable[str]) -> Callable[[bytes], Callable[[ResponseHead], None] | None]:
    """Compile `addAuthCookiesToResponse`.

    The result takes the authentication server's header lines, and returns the step that puts its listed
    cookies in the response in place of the server's; None if it has set no cookie.
    """
    wanted = frozenset(name.encode() for name in names)

    def prepare(lines: bytes) -> Callable[[ResponseHead], None] | None:
        cookies = list(_COOKIE.finditer(lines)) if wanted else []
        if not cookies:
            return None
        added = b"".join(cookie[0] for cookie in cookies if cookie[1] in wanted)

        def step(head: ResponseHead) -> None:
            head.lines = _COOKIE.sub(lambda found: b"" if found[1] in wanted else found[0], head.lines)
            head.lines += added

        return step

    return prepare


def refusal(response: WholeResponse, url: str, *, keep_location: bool) -> LocalResponse:
    """Return the authentication server's response for the client.

    A relative location becomes absolute, with `url` as its base, unless `keep_location` is set. Raises
    ValueError for a location that is no URL.
    """
    lines = _REWRITTEN.sub(b"", response.lines)
    location = next(iter(values_of(lines, b"location")), b"")
    if location and not keep_location and not _SCHEME.match(location):
        absolute = urljoin(url, location.decode("latin-1"))
        lines = with_value(lines, b"Location", absolute.encode("latin-1"))
    return LocalResponse(response.status, lines, response.content)
