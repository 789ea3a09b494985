"""Middlewares that add a Content-Type."""

from __future__ import annotations

from tests.system.middleware_cases.case import Case, SampleRequest

DETECT = {"type": {"contentType": {}}}
REQUESTS = [SampleRequest(), SampleRequest(method="HEAD"), SampleRequest("/x", "POST", body=b"body")]

BODIES = {
    "html": b"\n <!doctype HTML>\n<p>",
    "html-fragment": b"<p class='a'>",
    "html-comment": b"<!-- a -->",
    "no-html": b"<pre>",
    "xml": b' <?xml version="1.0"?><a/>',
    "svg": b"<svg>",
    "json": b'{"a": 1}',
    "text": b"caf\xc3\xa9",
    "text-of-one-byte": b"x",
    "utf-16": b"\xff\xfea\x00",
    "utf-16-too-short": b"\xff\xfea",
    "bom": b"\xef\xbb\xbfa",
    "pdf": b"%PDF-1.7",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00",
    "jpeg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
    "webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "icon": b"\x00\x00\x01\x00",
    "mp4": b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp42",
    "mp4-of-another-brand": b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00avc1",
    "webm": b"\x1a\x45\xdf\xa3",
    "wave": b"RIFF\x00\x00\x00\x00WAVEfmt ",
    "ogg": b"OggS\x00",
    "woff2": b"wOF2",
    "font-object": b"x" * 34 + b"LP",
    "gzip": b"\x1f\x8b\x08\x00",
    "zip": b"PK\x03\x04",
    "wasm": b"\x00asm\x01\x00\x00\x00",
    "binary": b"a\x01b",
    "binary-late": b"a" * 600 + b"\x00",
    "empty": b"",
}
"""Bodies by a name of their content."""

CASES = [
    *(Case(f"type-{name}", DETECT, REQUESTS, response_body=body) for name, body in BODIES.items()),
    Case("type-off", {"type": {"contentType": {"autoDetect": False}}}, REQUESTS, response_body=b"<p>"),
    Case("type-on", {"type": {"contentType": {"autoDetect": True}}}, REQUESTS, response_body=b"<p>"),
    Case("type-none", {}, REQUESTS, response_body=b"<p>"),
    Case("type-given", DETECT, REQUESTS, response_headers=[("content-TYPE", "text/x")], response_body=b"<p>"),
    Case(
        "type-encoded",
        DETECT,
        REQUESTS,
        response_headers=[("Content-Encoding", "x-own")],
        response_body=b"<p>",
    ),
    Case("type-of-the-origin", DETECT, REQUESTS),
    Case(
        "type-twice",
        {"outer": {"contentType": {}}, "inner": {"contentType": {"autoDetect": False}}},
        REQUESTS,
        response_body=b"<p>",
    ),
    Case(
        "type-of-compressed",
        {"type": {"contentType": {}}, "compress": {"compress": {"minResponseBodyBytes": 10}}},
        [SampleRequest(headers=[("Accept-Encoding", "gzip")])],
        response_headers=[("Content-Type", "text/html")],
        response_body=b"<p>" * 100,
    ),
    Case(
        "type-before-compression",
        {"compress": {"compress": {"minResponseBodyBytes": 10}}, "type": {"contentType": {}}},
        [SampleRequest(headers=[("Accept-Encoding", "gzip")])],
        response_body=b"<p>" * 100,
    ),
]
