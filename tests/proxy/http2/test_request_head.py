"""Request heads over HTTP/2, as fields: accepted ones with their values, and refused ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits, limits_for
from proxy.http1.protocols import GRPC, WEBSOCKET
from proxy.http1.request import parse_request as parse_http1
from proxy.http1.request_head import encode_head
from proxy.http2.errors import StreamFault
from proxy.http2.fields import Field
from proxy.http2.request_head import parse_request, request_fields, with_content
from tests.proxy.http1.parsed_values import request_values

LIMITS = Limits()
SMALL = Limits(head_bytes=400, line_bytes=60, headers=4)


def fields(*regular: tuple[str, str], **pseudo: str | None) -> list[Field]:
    """Return the fields of a GET; None leaves out a pseudo-header."""
    values = {"method": "GET", "scheme": "https", "authority": "a.test", "path": "/", **pseudo}
    listed = [(f":{name}", value) for name, value in values.items() if value is not None]
    return [(name.encode("latin-1"), value.encode("latin-1"), False) for name, value in [*listed, *regular]]


def test_a_plain_get() -> None:
    request = with_content(parse_request(fields(("accept", "*/*"), path="/a?b=c"), LIMITS), ended=True)
    assert request_values(request) == {
        "method": b"GET",
        "target": b"/a?b=c",
        "host": b"a.test",
        "version": 2,
        "headers": b"\r\nHost: a.test\r\naccept: */*",
        "size": 0,
        "content_length": -1,
        "chunked": False,
        "keep_alive": True,
        "upgrade": b"",
        "kind": 0,
    }


@pytest.mark.parametrize(
    ("length", "ended", "content_length", "chunked"),
    [(None, True, 0, False), (None, False, -1, True), ("3", False, 3, False), ("0", True, 0, False)],
    ids=["none", "of unknown length", "of known length", "empty"],
)
def test_content(length: str | None, ended: bool, content_length: int, chunked: bool) -> None:
    regular = [("content-length", length)] if length is not None else []
    request = with_content(parse_request(fields(*regular, method="POST"), LIMITS), ended=ended)
    assert (request.content_length, request.chunked) == (content_length, chunked)
    assert b"content-length" not in request.headers


@pytest.mark.parametrize(
    ("method", "content_length"),
    [("GET", -1), ("DELETE", -1), ("POST", 0), ("PUT", 0), ("PATCH", 0)],
    ids=["GET", "DELETE", "POST", "PUT", "PATCH"],
)
def test_no_content_has_a_length_if_the_method_expects_content(method: str, content_length: int) -> None:
    request = with_content(parse_request(fields(method=method), LIMITS), ended=True)
    assert request.content_length == content_length
    assert not request.chunked


def test_content_that_never_comes_is_malformed() -> None:
    with pytest.raises(StreamFault):
        with_content(parse_request(fields(("content-length", "3")), LIMITS), ended=True)


def test_cookie_crumbs_count_as_one_line() -> None:
    crumbs, limits = [("cookie", "a=1")] * 5, Limits(headers=4)
    assert parse_request(fields(*crumbs, *[("a", "b")] * 3), limits).headers.count(b"\r\n") == 5
    with pytest.raises(RequestError):
        parse_request(fields(*crumbs, *[("a", "b")] * 4), limits)


def test_cookie_crumbs_become_one_line() -> None:
    request = parse_request(fields(("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2")), LIMITS)
    assert request.headers == b"\r\nHost: a.test\r\naccept: */*\r\ncookie: a=1; b=2"


def test_a_host_header_may_stand_for_the_authority() -> None:
    assert parse_request(fields(("host", "b.test"), authority=None), LIMITS).host == b"b.test"
    request = parse_request(fields(("host", "a.test")), LIMITS)
    assert request.headers == b"\r\nHost: a.test"


def test_claims_of_clients_are_removed() -> None:
    claims = [("x-forwarded-for", "1.2.3.4"), ("x_forwarded_for", "1.2.3.4"), ("x-real-ip", "1.2.3.4")]
    assert parse_request(fields(*claims, ("te", "trailers")), LIMITS).headers == b"\r\nHost: a.test"
    trusted = limits_for(LIMITS, "allow", trusted=True)
    assert b"x-forwarded-for: 1.2.3.4" in parse_request(fields(*claims), trusted).headers


def test_the_kind_is_that_of_the_head() -> None:
    assert (
        parse_request(fields(("content-type", "application/grpc+proto"), method="POST"), LIMITS).kind == GRPC
    )


def test_a_websocket_is_an_upgrade_of_a_get() -> None:
    request = parse_request(fields(method="CONNECT", protocol="websocket"), LIMITS)
    assert (request.method, request.upgrade, request.kind) == (b"GET", b"websocket", WEBSOCKET)
    assert not with_content(request, ended=False).chunked


@pytest.mark.parametrize(
    "malformed",
    [
        fields(method=None),
        fields(path=None),
        fields(scheme=None),
        fields(path=""),
        fields(path="/a b"),
        fields(path="/a\r\nx: y"),
        fields(method="GE T"),
        fields(method="GET / HTTP/1.1\r\nx:"),
        fields(method=""),
        fields(("X", "y")),
        fields(("x y", "z")),
        fields(("", "z")),
        fields(("x:", "z")),
        fields(("x\r\ny", "z")),
        fields(("x", "y\r\nz: 1")),
        fields(("x", "y\n")),
        fields(("x", "y\0")),
        fields(("x", " y")),
        fields(("x", "y\t")),
        fields(("x", "\x7f")),
        fields((":path", "/")),
        fields(("x", "y"), (":unknown", "z")),
        fields(("x", "y"), (":authority", "a.test")),
        fields((":status", "200")),
        fields(("connection", "close")),
        fields(("keep-alive", "timeout=5")),
        fields(("proxy-connection", "x")),
        fields(("transfer-encoding", "chunked")),
        fields(("upgrade", "websocket")),
        fields(("te", "gzip")),
        fields(("host", "b.test")),
        fields(("host", "a.test"), ("host", "a.test")),
        fields(("content-length", "3"), ("content-length", "3")),
        fields(("content-length", "+3")),
        fields(("content-length", "")),
        fields(protocol="websocket"),
        fields(method="CONNECT"),
        fields(method="CONNECT", path=None),
    ],
    ids=repr,
)
def test_malformed(malformed: list[Field]) -> None:
    with pytest.raises(StreamFault):
        parse_request(malformed, LIMITS)


@pytest.mark.parametrize(
    ("status", "refused", "limits"),
    [
        (400, fields(authority="a b"), LIMITS),
        (400, fields(authority="a.test/x"), LIMITS),
        (400, fields(authority="user@a.test"), LIMITS),
        (400, fields(authority=""), LIMITS),
        (400, fields(authority=None), LIMITS),
        (400, fields(path="a"), LIMITS),
        (400, fields(path="*", method="OPTIONS"), LIMITS),
        (400, fields(path="/#a"), LIMITS),
        (400, fields(path="http://b.test/"), LIMITS),
        (400, fields(scheme="ftp"), LIMITS),
        (400, fields(("a_b", "c")), limits_for(LIMITS, "reject")),
        (414, fields(path="/" + "a" * 60), SMALL),
        (431, fields(("a", "b" * 300)), SMALL),
        (431, fields(*[("a", "b")] * 5), SMALL),
        (501, fields(method="CONNECT", scheme=None, path=None), LIMITS),
        (501, fields(method="CONNECT", protocol="connect-udp"), LIMITS),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, int | list) else "",
)
def test_refused(status: int, refused: list[Field], limits: Limits) -> None:
    with pytest.raises(RequestError) as error:
        parse_request(refused, limits)
    assert error.value.status == status


def test_dot_segments_are_removed_as_in_http1() -> None:
    assert parse_request(fields(path="/a/../b?c=/../d"), LIMITS).target == b"/b?c=/../d"


@given(
    st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=6),
    st.binary(max_size=20),
    st.binary(max_size=12),
)
def test_whatever_is_accepted_is_one_request_of_http1(
    regular: list[tuple[bytes, bytes]], path: bytes, authority: bytes
) -> None:
    pseudo = [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", b"/" + path),
        (b":authority", authority),
    ]
    try:
        request = parse_request([(name, value, False) for name, value in [*pseudo, *regular]], LIMITS)
    except (StreamFault, RequestError):
        return
    head = encode_head(request, b"", b"")
    again = parse_http1(head, LIMITS)
    assert again is not None
    assert (again.size, again.host, again.target) == (len(head), request.host, request.target)
    assert again.headers.count(b"\r\n") == request.headers.count(b"\r\n")


def test_a_request_becomes_fields_again() -> None:
    head = b"POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/grpc\r\nTE: gzip\r\nX-A: b"
    assert request_fields(head, b"http") == [
        (b":method", b"POST", False),
        (b":scheme", b"http", False),
        (b":authority", b"a.test", False),
        (b":path", b"/a", False),
        (b"content-type", b"application/grpc", False),
        (b"x-a", b"b", False),
        (b"te", b"trailers", False),
    ]
