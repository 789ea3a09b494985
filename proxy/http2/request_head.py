"""The head of a request over HTTP/2 (RFC 9113 §8.3.1), as the value that the exchange takes, and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError
from proxy.http1.protocols import kind_of
from proxy.http1.request import HOST, TARGET, UNDERSCORES_REFUSED, Request
from proxy.http2.errors import PROTOCOL_ERROR, StreamFault
from proxy.http2.fields import content_length, fields_of, header_lines, list_size

if TYPE_CHECKING:
    from proxy.http1.limits import Limits
    from proxy.http2.fields import Field

VERSION = 2
"""`Request.version` of HTTP/2."""

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Checked here; whether the proxy serves them is another question.
_PATH = re.compile(rb"[!-~\x80-\xff]+")
_SCHEMES = frozenset((b"http", b"https"))
_PSEUDO = frozenset((b":method", b":path", b":scheme", b":authority", b":protocol"))
_EXPECTING_CONTENT = frozenset((b"POST", b"PUT", b"PATCH"))
_GRPC = b"\r\ncontent-type: application/grpc"


def parse_request(fields: list[Field], limits: Limits) -> Request:
    """Return the request; whether it has content of unknown length, only `with_content` can tell.

    Raises StreamFault for a malformed request, and RequestError with the status to respond for another one.
    """
    pseudo: dict[bytes, bytes] = {}
    for name, value, _ in fields:
        if name not in _PSEUDO:
            break
        pseudo[name] = value
    count = len(pseudo)
    regular = fields[count:]
    # A pseudo-header that comes twice, late, or is unknown, is among these, and no name begins with a colon.
    lines = header_lines(regular)
    method = pseudo.get(b":method", b"")
    if not _TOKEN.fullmatch(method):
        raise StreamFault(PROTOCOL_ERROR, ":method must be one token")
    request = Request()
    request.method, request.version, request.size = method, VERSION, 0
    request.keep_alive, request.chunked, request.upgrade = True, False, b""
    if method == b"CONNECT":
        _check_connect(pseudo)
        request.method, request.upgrade = b"GET", pseudo[b":protocol"]
    elif b":protocol" in pseudo:
        raise StreamFault(PROTOCOL_ERROR, ":protocol belongs to CONNECT")
    path = pseudo.get(b":path", b"")
    if b":scheme" not in pseudo:
        raise StreamFault(PROTOCOL_ERROR, ":scheme is required")
    check_path(path)
    if pseudo[b":scheme"] not in _SCHEMES:
        raise RequestError(400, "the scheme must be http or https")
    check_sizes(list_size(fields), path, limits)
    if len(regular) > limits.headers and _line_count(regular) > limits.headers:
        raise RequestError(431, "too many header lines")
    request.host = host = _host(pseudo.get(b":authority"), regular)
    request.content_length = content_length(
        [value for name, value, _ in regular if name == b"content-length"]
    )
    _apply_lines(request, regular, lines, host, limits)
    request.kind = kind_of(request.headers, request.upgrade)
    request.target = target_of(path, limits)
    return request


def check_path(path: bytes) -> None:
    """Raise StreamFault if a path is malformed."""
    if not _PATH.fullmatch(path):
        raise StreamFault(PROTOCOL_ERROR, ":path is required, without white space and control characters")


def check_sizes(list_bytes: int, path: bytes, limits: Limits) -> None:
    """Raise RequestError if the list of fields or the path is too large."""
    if list_bytes > limits.head_bytes:
        raise RequestError(431, "request head too large")
    if len(path) > limits.line_bytes:
        raise RequestError(414, "request target too long")


def target_of(path: bytes, limits: Limits) -> bytes:
    """Return the target that the proxy serves for a path. Raises RequestError."""
    if limits.targets.unchanged.fullmatch(path):
        return path
    if not TARGET.fullmatch(path):
        raise RequestError(400, "the request target must be a path")
    return limits.targets.rewrite(path)


def with_content(template: Request, *, ended: bool) -> Request:
    """Return a copy of a request; `ended` says that no content follows. Raises StreamFault."""
    request = Request()
    request.method, request.version, request.size = template.method, VERSION, 0
    request.target, request.host = template.target, template.host
    request.headers, request.kind = template.headers, template.kind
    request.keep_alive, request.upgrade = True, template.upgrade
    length = template.content_length
    if ended and length < 0 and template.method in _EXPECTING_CONTENT:
        # Some servers respond with 411 to such a request without a length (RFC 9110 §8.6).
        length = 0
    request.content_length = length
    # What follows on a stream that tunnels is no content.
    request.chunked = not ended and length < 0 and not template.upgrade
    if ended and length > 0:
        raise StreamFault(PROTOCOL_ERROR, "the content is shorter than Content-Length says")
    return request


def request_fields(head: bytes, scheme: bytes) -> list[Field]:
    """Return the fields of a request line and header lines with one Host, without framing."""
    request_line, separator, lines = head.partition(b"\r\n")
    method, target, _ = request_line.split(b" ")
    fields = fields_of(separator + lines)
    authority = [value for name, value, _ in fields if name == b"host"]
    pseudo = [
        (b":method", method, False),
        (b":scheme", scheme, False),
        *((b":authority", value, False) for value in authority[:1]),
        (b":path", target, False),
    ]
    fields = [field for field in fields if field[0] not in (b"host", b"te")]
    if _GRPC in lines.lower():
        # Servers of gRPC take it as a sign that nothing on the way drops trailers.
        fields.append((b"te", b"trailers", False))
    return pseudo + fields


def _check_connect(pseudo: dict[bytes, bytes]) -> None:
    """Accept only the extended CONNECT (RFC 8441 §4)."""
    protocol = pseudo.get(b":protocol")
    if protocol is None:
        if b":path" in pseudo or b":scheme" in pseudo or b":authority" not in pseudo:
            raise StreamFault(PROTOCOL_ERROR, "CONNECT takes :authority and no :scheme or :path")
        raise RequestError(501, "CONNECT is not served")
    if protocol.lower() != b"websocket":
        raise RequestError(501, "of extended CONNECT only websocket is served")


def _host(authority: bytes | None, regular: list[Field]) -> bytes:
    """Return the host that the request is for. Raises StreamFault if two are named, RequestError."""
    hosts = [value for name, value, _ in regular if name == b"host"]
    if authority is not None:
        hosts.append(authority)
    if not hosts:
        raise RequestError(400, "an authority or a Host header is required")
    if any(each != hosts[0] for each in hosts) or len(hosts) > 2 - (authority is None):
        raise StreamFault(PROTOCOL_ERROR, ":authority and host must name one host")
    if not HOST.fullmatch(hosts[0]):
        raise RequestError(400, "invalid authority")
    return hosts[0]


def _line_count(regular: list[Field]) -> int:
    """Return how many header lines these fields become: all crumbs of cookies become one."""
    crumbs = sum(name == b"cookie" for name, _, _ in regular)
    return len(regular) - max(crumbs - 1, 0)


def _apply_lines(
    request: Request, regular: list[Field], lines: list[bytes], host: bytes, limits: Limits
) -> None:
    """Set the header lines to forward, with one Host and one Cookie (§8.2.3)."""
    kept = [b"\r\nHost: " + host]
    crumbs = []
    for (name, value, _), line in zip(regular, lines, strict=True):
        if name == b"cookie":
            crumbs.append(value)
        elif name == b"te":
            if value.lower() != b"trailers":
                raise StreamFault(PROTOCOL_ERROR, "te takes only trailers")
        elif name != b"host":
            kept.append(line)
    if crumbs:
        kept.append(b"\r\ncookie: " + b"; ".join(crumbs))
    headers = b"".join(kept)
    request.headers, found = limits.removed_lines.subn(b"", headers)
    if found and limits.underscores == "reject":
        removed = limits.removed_lines.findall(headers)
        if any(b"_" in name for name, _ in removed):
            raise RequestError(400, UNDERSCORES_REFUSED)
