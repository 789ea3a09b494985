"""The scenarios of the comparison: body, direction, connections, and what the proxy does beside that."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import features
from benchmarks.features import Feature

GRPC_REQUEST = b"\0\0\0\0\x07\x0a\x05bench"
"""A gRPC message: its length after a byte for compression, then the string "bench" as field 1."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of request; `size` is the response body's length in bytes, `upload` the request body's.

    With `new_connections`, each request opens a connection. `connections` overrides the plan's number. With
    `varied`, requests are as long as a browser's, and no two are equal. `tls` is between client and proxy;
    with `resumed`, each new connection resumes the session of an earlier one. With a `feature`, the router
    has that middleware; with `forwarded` unset, the proxy responds by itself, with `status`. With
    `compressed`, `size` is that of the server's body, and the client gets less. With `streams`, clients speak
    HTTP/2, each connection with so many requests at a time; with `grpc`, both client and server do, and
    requests are unary calls. With `tcp`, the proxy does not know of HTTP: it relays each connection to one
    server.
    """

    name: str
    path: str
    size: int
    new_connections: bool = False
    upload: int = 0
    connections: int | None = None
    varied: bool = False
    tls: bool = False
    resumed: bool = False
    feature: Feature | None = None
    status: int = 200
    forwarded: bool = True
    compressed: bool = False
    streams: int = 0
    grpc: bool = False
    tcp: bool = False

    @property
    def full_handshakes(self) -> bool:
        """Whether each request needs a TLS handshake without resumption."""
        return self.tls and self.new_connections and not self.resumed

    @property
    def headers(self) -> dict[str, str]:
        """The additional headers of requests."""
        if self.grpc:
            return {"Content-Type": "application/grpc", "TE": "trailers"}
        return dict(self.feature.headers) if self.feature is not None else {}

    @property
    def content(self) -> bytes:
        """The request's body."""
        return GRPC_REQUEST if self.grpc else b"u" * self.upload


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("small", "/", 65),
        Scenario("varied", "/", 65, varied=True),
        Scenario("10k", "/10k", 10 * 1024),
        Scenario("1m", "/1m", 1024 * 1024),
        Scenario("chunked", "/chunked", 10 * 1024),
        Scenario("upload1m", "/upload", 65, upload=1024 * 1024),
        Scenario("newconn", "/", 65, new_connections=True),
        Scenario("tls", "/", 65, tls=True),
        Scenario("tls10k", "/10k", 10 * 1024, tls=True),
        Scenario("tls1m", "/1m", 1024 * 1024, tls=True),
        Scenario("tlsnew", "/", 65, new_connections=True, tls=True),
        Scenario("tlsresumed", "/", 65, new_connections=True, tls=True, resumed=True),
        Scenario("lone", "/", 65, connections=1),
        Scenario("auth", "/", 65, feature=features.AUTH),
        Scenario("headers", "/", 65, feature=features.HEADERS),
        Scenario("ratelimit", "/", 65, feature=features.RATE_LIMIT),
        Scenario("compress", "/10k.json", 10 * 1024, feature=features.COMPRESS, compressed=True),
        Scenario("h2", "/", 65, connections=8, tls=True, streams=16),
        Scenario("h2-100", "/", 65, connections=8, tls=True, streams=100),
        Scenario("h2-10k", "/10k", 10 * 1024, connections=8, tls=True, streams=16),
        Scenario("h2-upload1m", "/upload", 65, connections=8, tls=True, streams=4, upload=1024 * 1024),
        Scenario("h2-lone", "/", 65, connections=1, tls=True, streams=1),
        Scenario("h2c", "/", 65, connections=8, streams=16),
        Scenario("grpc", "/bench.Echo/Say", 65, connections=8, streams=16, grpc=True),
        Scenario("tcp", "/1k", 1024, tcp=True),
        Scenario("tcpnew", "/1k", 1024, new_connections=True, tcp=True),
        Scenario("tcp1m", "/1m", 1024 * 1024, tcp=True),
        Scenario("redirect", "/", 0, feature=features.REDIRECT, status=302, forwarded=False),
    )
}
