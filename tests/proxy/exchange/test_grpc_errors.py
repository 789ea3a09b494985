"""Errors of the proxy's own for gRPC clients."""

import pytest

from proxy.exchange.grpc_errors import DEADLINE_EXCEEDED, error_lines, grpc_status_for, speaks_grpc
from proxy.http1.error_response import error_content
from proxy.http1.header_lines import first_value
from proxy.http1.protocols import GRPC, GRPC_WEB, HTTP, STOPPED
from proxy.http1.request import Request
from proxy.per_request.extras import Extras


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, 13), (401, 16), (403, 7), (404, 12), (405, 2), (413, 2), (429, 14),
        (500, 2), (502, 14), (503, 14), (504, 14),
    ],
)  # fmt: skip
def test_the_status_is_the_one_that_grpc_clients_make_of_http(status: int, expected: int) -> None:
    lines = error_lines(status, *error_content(status), grpc_status_for(status))
    assert first_value(lines, b"grpc-status") == b"%d" % expected
    assert first_value(lines, b"grpc-message").startswith(b"%d " % status)
    assert first_value(lines, b"content-type") == b"application/grpc"
    assert not first_value(lines, b"x-content-type-options")


def test_another_grpc_status_may_be_given() -> None:
    lines = error_lines(504, *error_content(504, "too late"), DEADLINE_EXCEEDED)
    assert lines.endswith(b"\r\nGrpc-Status: 4\r\nGrpc-Message: 504 too late")


def test_header_lines_stay_and_content_of_other_types_does_not() -> None:
    html = b"\r\nContent-Type: text/html\r\nRetry-After: 3"
    assert error_lines(429, html, b"<p>", 14) == (
        b"\r\nRetry-After: 3\r\nContent-Type: application/grpc\r\nGrpc-Status: 14"
        b"\r\nGrpc-Message: 429 too many requests"
    )


def test_messages_are_percent_encoded() -> None:
    text = "50 % é\n".encode()
    lines = error_lines(503, b"\r\nContent-Type: text/plain; charset=utf-8", text, 14)
    assert first_value(lines, b"grpc-message") == b"50 %25 %C3%A9"


@pytest.mark.parametrize(
    ("kind", "version", "converted", "expected"),
    [
        (GRPC, 2, False, True),
        (GRPC | STOPPED, 2, False, True),
        (GRPC, 1, False, False),
        (HTTP, 2, False, False),
        (HTTP | STOPPED, 2, True, False),
        (GRPC_WEB, 1, True, True),
        (GRPC_WEB, 2, False, False),
        (GRPC + 16 * 7, 2, False, True),
    ],
    ids=[
        "gRPC", "refused", "HTTP/1.1", "HTTP/2", "other requests", "gRPC-Web", "as sent", "header labels",
    ],
)  # fmt: skip
def test_who_speaks_grpc(kind: int, version: int, converted: bool, expected: bool) -> None:
    request, extras = Request(), Extras()
    request.kind, request.version, extras.speaks_grpc = kind, version, converted
    assert speaks_grpc(request, extras) is expected
