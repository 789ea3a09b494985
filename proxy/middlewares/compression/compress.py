"""The middleware compress, as in Traefik 3: compresses responses for clients that accept it.

Departures from Traefik 3, which has faults there: the weights of RFC 9110 count also with `*`; `Vary` is on
responses to clients that accept no coding, too; a strong ETag becomes weak, and Accept-Ranges goes, whatever
the coding; responses with a part of the content (206) stay as they are, whatever the coding; a short body is
left plain also if the server does not announce its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from proxy.http1.header_lines import values_of, without
from proxy.middlewares.compression.accept_encoding import compile_choice
from proxy.middlewares.compression.encoders import ENCODERS, MakeEncoder
from proxy.middlewares.compression.media_type import media_type
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import ResponseStep, extras_of

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.http1.response_head import ResponseHead

_GRPC = b"application/grpc"
_DEFAULT_MINIMUM = 1024
_VARY = b"\r\nVary: Accept-Encoding"
_VARIES = re.compile(rb"\r\n(?i:vary):(?:[^\r\n]*,)?[ \t]*(?i:\*|accept-encoding)[ \t]*(?=[,\r]|\Z)")
_STRONG_ETAG = re.compile(rb'\r\n(?i:etag):[ \t]*(?=")')
_REQUEST_LINES = re.compile(rb"\r\n(?i:(accept-encoding|content-type)):[ \t]*([^\r\n]*)")
# A line that says that the body is encoded, or a part of the content.
_FINAL = re.compile(rb"\r\n(?i:content-encoding|content-range):[ \t]*[^ \t\r\n]")


@kind("compress")
def compress(options: Mapping[str, Any]) -> Step:
    """Compress bodies of at least `minResponseBodyBytes`, of all content types but the excluded ones."""
    encodings, default = options["encodings"], options.get("defaultEncoding") or ""
    if not encodings:
        raise ValueError("encodings must name at least one encoding")
    unknown = [name for name in encodings if name not in ENCODERS]
    if unknown:
        raise ValueError(f"{unknown[0]} is not an encoding; known are {', '.join(ENCODERS)}")
    if default and default not in encodings:
        raise ValueError(f"defaultEncoding {default} is not one of encodings")
    if options["includedContentTypes"] and options["excludedContentTypes"]:
        raise ValueError("includedContentTypes and excludedContentTypes are mutually exclusive")
    excluded = {_GRPC, *_media_types(options["excludedContentTypes"])}
    included = _media_types(options["includedContentTypes"])
    minimum = options["minResponseBodyBytes"] or _DEFAULT_MINIMUM

    def compresses(content_type: bytes) -> bool:
        return content_type in included if included else content_type not in excluded

    choose = compile_choice(encodings, default)
    # Responses to clients that accept no coding have no encoder.
    steps = {name: _response_step(name, ENCODERS[name](), minimum, compresses) for name in encodings}
    steps[""] = _add_vary

    def step(request: Request, client: Client) -> None:
        if request.method == b"HEAD":
            return
        accepted: list[bytes] = []
        for name, value in _REQUEST_LINES.findall(request.headers):
            if len(name) == len(b"accept-encoding"):
                accepted.append(value)
            elif media_type(value) in excluded:
                return
        coding = choose(b",".join(accepted)) if accepted else default
        extras = extras_of(client)
        extras.at_response(steps[coding])
        if coding:
            extras.preview_bytes = max(extras.preview_bytes, minimum)

    return step


def _media_types(values: Sequence[str]) -> set[bytes]:
    found = {value: media_type(value.encode()) for value in values}
    for value, name in found.items():
        if not name:
            raise ValueError(f"{value!r} is not a content type")
    return set(found.values())


def _response_step(
    coding: str, make_encoder: MakeEncoder, minimum: int, compresses: Callable[[bytes], bool]
) -> ResponseStep:
    encoding_line = b"\r\nContent-Encoding: " + coding.encode()

    def apply(head: ResponseHead) -> None:
        _add_vary(head)
        if 0 <= head.length < minimum or head.status == 206 or _FINAL.search(head.lines):
            return
        if not compresses(media_type(b"".join(values_of(head.lines, b"content-type")[:1]))):
            return
        head.lines = _STRONG_ETAG.sub(rb"\g<0>W/", without(head.lines, b"accept-ranges")) + encoding_line
        head.add_filter(make_encoder())

    return apply


def _add_vary(head: ResponseHead) -> None:
    if not _VARIES.search(head.lines):
        head.lines = _VARY + head.lines
