"""The middleware grpcWeb: what the server gets, and CORS.

Traefik cuts a response in the text format if the server has announced its length, as these do.
"""

from __future__ import annotations

from tests.system.middleware_cases.case import Case, SampleRequest

MESSAGE = b"\0\0\0\0\x05hello"
ORIGIN = ("Origin", "https://shop.test")
OTHER = ("Origin", "https://other.test")
CALL = "/shop.Cart/Add"


def call(content_type: str, body: bytes = MESSAGE, *headers: tuple[str, str]) -> SampleRequest:
    return SampleRequest(CALL, "POST", [("Content-Type", content_type), *headers], body)


def preflight(*headers: tuple[str, str], method: str = "POST", asks: str = "x-grpc-web") -> SampleRequest:
    asked = [("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", asks)]
    return SampleRequest(CALL, "OPTIONS", [*asked, *headers])


REQUESTS = [
    call("application/grpc-web"),
    call("application/grpc-web+proto", MESSAGE, ORIGIN),
    call("application/grpc-web+proto", MESSAGE, OTHER, ("X-Grpc-Web", "1"), ("X-User-Agent", "web")),
    call("application/grpc", MESSAGE, ORIGIN),
    call("application/json", b"{}", ORIGIN),
    SampleRequest(CALL, "PUT", [("Content-Type", "application/grpc-web")], MESSAGE),
    preflight(ORIGIN),
    preflight(ORIGIN, asks="content-type,X-Grpc-Web, x-user-agent"),
    preflight(OTHER),
    preflight(),
    preflight(ORIGIN, method="PUT"),
    preflight(ORIGIN, method="get"),
    preflight(ORIGIN, asks="content-type"),
]
RESPONSE = [("Content-Type", "application/grpc+proto"), ("X-Trace", "a"), ("Grpc-Accept-Encoding", "gzip")]


def grpc_web(*origins: str) -> dict[str, object]:
    return {"web": {"grpcWeb": {"allowOrigins": list(origins)}}}


CASES = [
    Case("grpc-web-origin", grpc_web(ORIGIN[1], "https://a.test"), REQUESTS, (), RESPONSE, "", MESSAGE),
    Case("grpc-web-any-origin", grpc_web("*"), REQUESTS, (), RESPONSE, "", MESSAGE),
    Case("grpc-web-no-origin", grpc_web(), REQUESTS, (), RESPONSE, "", MESSAGE),
    Case(
        "grpc-web-other-responses",
        grpc_web("*"),
        [REQUESTS[1]],
        response_headers=[("Content-Type", "text/html")],
        response_body=b"<p>",
    ),
    Case(
        "grpc-web-vary",
        grpc_web("*"),
        [REQUESTS[1]],
        response_headers=[("Content-Type", "application/grpc"), ("Vary", "Accept")],
        departure="Traefik loses its own Vary: Origin if the server has sent a Vary",
    ),
]
