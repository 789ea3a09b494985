"""The middleware that compresses responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.system.middleware_cases.case import Case, SampleRequest

PADDING = ("X-Padding", "0123456789" * 200)
"""Makes the response, which repeats the request, longer than the default minimum."""


def accepting(*values: str, method: str = "GET", long: bool = True, **lines: str) -> SampleRequest:
    """Return a request with these values of Accept-Encoding; a keyword names a further header line."""
    headers = [("Accept-Encoding", value) for value in values]
    headers += [(name.replace("_", "-"), value) for name, value in lines.items()]
    return SampleRequest("/", method, [*headers, *([PADDING] if long else [])])


def compressing(
    name: str,
    requests: Sequence[SampleRequest],
    response_headers: Sequence[tuple[str, str]] = (),
    departure: str = "",
    **options: Any,
) -> Case:
    middlewares: Mapping[str, Any] = {"compress": {"compress": options}}
    return Case(f"compress-{name}", middlewares, requests, (), response_headers, departure)


CODINGS = [accepting(name) for name in ("gzip", "br", "zstd")]

CASES = [
    compressing(
        "negotiation",
        [
            *CODINGS,
            accepting("zstd, br, gzip"),
            accepting("br, gzip;q=0.5"),
            accepting("gzip;q=0.1, br;q=0.2, zstd;q=0.3"),
            accepting("gzip;q=0, br"),
            accepting("identity, gzip"),
            accepting("deflate", "br"),
            accepting("br;q=0.5, *;q=0.1"),
            accepting("zstd;q=0.5, identity;q=0.1"),
            accepting("gzip", long=False),
            accepting("br", long=False),
            accepting("gzip", method="HEAD"),
            accepting("gzip", method="POST", Content_Type="text/html"),
            accepting("gzip", Content_Type="application/grpc"),
        ],
    ),
    compressing(
        "other-order", [accepting("gzip, br, zstd"), accepting("gzip, br")], encodings=["zstd", "br"]
    ),
    compressing(
        "other-default",
        [SampleRequest("/", headers=[PADDING]), accepting("*"), accepting("gzip, *"), accepting("gzip")],
        encodings=["gzip", "br"],
        defaultEncoding="br",
    ),
    compressing(
        "excluded",
        [*CODINGS, accepting("gzip", Content_Type="application/JSON; a=b")],
        excludedContentTypes=["application/json; charset=utf-8"],
    ),
    compressing("included", CODINGS, includedContentTypes=["text/html", "Application/JSON"]),
    compressing("not-included", CODINGS, includedContentTypes=["text/html"]),
    compressing(
        "type-with-parameters",
        CODINGS,
        [("Content-Type", "Text/HTML; charset=utf-8")],
        includedContentTypes=["text/html"],
    ),
    compressing(
        "small", [accepting("gzip", long=False), accepting("br", long=False)], minResponseBodyBytes=1
    ),
    compressing("zero", [accepting("gzip", long=False), accepting("br", long=False)], minResponseBodyBytes=0),
    compressing(
        "encoded", CODINGS, [("Content-Encoding", "x-own"), ("ETag", '"a"'), ("Accept-Ranges", "bytes")]
    ),
    compressing("stream", CODINGS, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")]),
    compressing("no-transform", CODINGS, [("Cache-Control", "no-transform")]),
    compressing("varies", CODINGS, [("Vary", "Origin"), ("Vary", "Cookie")]),
    compressing("no-type", CODINGS, [("Content-Type", "")]),
    compressing(
        "no-included-type",
        [accepting("gzip")],
        [("Content-Type", "")],
        includedContentTypes=["application/json"],
    ),
    compressing("malformed-type", [accepting("gzip")], [("Content-Type", "text/")]),
    compressing("malformed-parameter", [accepting("gzip")], [("Content-Type", "text/html; charset")]),
    compressing(
        "malformed-type-of-others",
        [accepting("br"), accepting("zstd")],
        [("Content-Type", "text/")],
        departure="As with gzip: what is not excluded is compressed.",
    ),
    compressing("weak-etag", CODINGS, [("ETag", 'W/"a"')]),
    compressing("ranges", [accepting("gzip")], [("Accept-Ranges", "bytes")]),
    compressing(
        "part", [accepting("gzip")], [("Content-Range", "bytes 0-10/20"), ("Accept-Ranges", "bytes")]
    ),
    compressing(
        "strong-etag",
        CODINGS,
        [("ETag", '"a"')],
        departure="A strong ETag may not name two representations (RFC 9110 §8.8.1).",
    ),
    compressing(
        "ranges-of-others",
        [accepting("br"), accepting("zstd")],
        [("Accept-Ranges", "bytes")],
        departure="As with gzip: the ranges are those of the body that is not compressed.",
    ),
    compressing(
        "part-of-others",
        [accepting("br"), accepting("zstd")],
        [("Content-Range", "bytes 0-10/20")],
        departure="As with gzip: a part of a body cannot be decoded without the rest.",
    ),
    compressing(
        "varies-already",
        CODINGS,
        [("Vary", "Accept-Encoding")],
        departure="One line is enough.",
    ),
    compressing(
        "nothing-accepted",
        [SampleRequest("/", headers=[PADDING]), accepting(""), accepting("deflate"), accepting("gzip;q=0")],
        departure="A cache must not give this response to all clients (RFC 9110 §12.5.5).",
    ),
    compressing(
        "refused-by-name",
        [accepting("gzip;q=0, *"), accepting("gzip;q=0.5, *")],
        departure="`*` stands for the codings that are not listed (RFC 9110 §12.5.3).",
    ),
    compressing(
        "any",
        [accepting("*"), accepting("gzip;q=0.5, *;q=1")],
        departure="Traefik chooses gzip for `*`, and then sends the body as it is.",
    ),
    compressing(
        "default-gzip",
        [SampleRequest("/", headers=[PADDING])],
        departure="Traefik does not compress with gzip without an Accept-Encoding.",
        defaultEncoding="gzip",
    ),
    compressing(
        "mixed-case", [accepting("GZIP")], departure="Names of codings ignore case (RFC 9110 §8.4.1)."
    ),
]
