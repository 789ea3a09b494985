"""Requests as a server receives them."""

import socket

import msgspec
import pytest

from tests.lab.origin import Connection, Request, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

HELLO = http_response(b"hello")


def one_line(request: Request) -> bytes:
    return request.head.split(b"\r\n", 1)[0]


def kept(request: Request) -> list[tuple[str, str]]:
    """Return the header lines except those that describe the client."""
    return [line for line in request.headers if not line[0].startswith(("X-Forwarded-", "X-Real-Ip"))]


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
)
def test_methods(proxy: Proxy, client: Client, origin: Start, method: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for _ in range(2):
        client.send(f"{method} /x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        response = client.answer(method)
        assert (response.status, response.header("Content-Length")) == (200, "5")
        assert response.body == (b"" if method == "HEAD" else b"hello")
    assert [request.method for request in seen.requests] == [method] * 2
    assert kept(seen.requests[0]) == [("Host", host)]
    assert seen.connections == 1


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/a?b=c&d",
        "/.x/..y",
        "/%61/%2f%c3%a9/",
        "/?/../a//b",
        "/caf\xe9",
        "/?",
        '/{}|\\^`"<>',
        "/;a=b,c",
    ],
)
def test_the_target_arrives_as_sent(proxy: Proxy, client: Client, origin: Start, target: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
    assert client.answer().status == 200
    assert seen.requests[0].head.startswith(f"GET {target} HTTP/1.1\r\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("target", "resolved"),
    [("//x//", "/x/"), ("/%2e%2E/%2f%c3%a9", "/%2f%c3%a9"), ("/a/../b/./c", "/b/c")],
)
def test_the_target_arrives_without_dot_segments(
    proxy: Proxy, client: Client, origin: Start, target: str, resolved: str
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for path in ("/", target, target):
        client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().status == 200
    assert [request.target for request in seen.requests] == ["/", resolved, resolved]


def test_headers_arrive_in_order_and_case(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    lines = [
        b"x-b: 2",
        f"hOsT: {host}:8000".encode(),
        b"X-A:1",
        b"X-B:  3 \t",
        b"Cookie: a=b",
        b"Empty:",
        b"Latin: \xe9",
        b"Cookie: c=d",
    ]
    client.send(b"\r\n".join([b"GET / HTTP/1.1", *lines, b"", b""]))
    assert client.answer().status == 200
    assert seen.requests[0].head.split(b"\r\n")[1 : 1 + len(lines)] == lines


def test_the_server_gets_the_headers_about_the_client(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for port in ("", ":8000"):
        client.send(f"GET / HTTP/1.1\r\nHost: {host}{port}\r\n\r\n".encode())
        assert client.answer().status == 200
    first, second = seen.requests
    assert [line for line in first.headers if line[0].startswith("X-")] == [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Real-Ip", "127.0.0.1"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Server", socket.gethostname()),
        ("X-Forwarded-Port", "80"),
        ("X-Forwarded-Host", host),
    ]
    assert (second.all("X-Forwarded-Port"), second.all("X-Forwarded-Host")) == (["8000"], [f"{host}:8000"])


def test_the_claims_of_a_client_are_replaced(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(
        f"GET / HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6\r\nHost: {host}\r\nx-real-ip: 6.6.6.6\r\n"
        "X-FORWARDED-HOST: evil\r\nX-Forwarded-For: 7.7.7.7\r\nX_Forwarded_For: 8.8.8.8\r\n"
        "X-Forwarded-Proto: https\r\nX-Forwarded-Tls-Client-Cert: x\r\nX-Forwarded-Prefix: /p\r\n"
        "Connection: X-Forwarded-For, X-Real-Ip\r\n\r\n".encode()
    )
    assert client.answer().status == 200
    (request,) = seen.requests
    assert request.all("X-Forwarded-For") == request.all("X-Real-Ip") == ["127.0.0.1"]
    assert request.all("X-Forwarded-Host") == [host]
    assert request.all("X-Forwarded-Proto") == ["http"]
    for claimed in (b"6.6.6.6", b"7.7.7.7", b"8.8.8.8", b"evil", b"Tls-Client", b"Prefix"):
        assert claimed not in request.head


def test_hop_by_hop_lines_are_removed(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(
        f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, X-Named, Host, Cookie\r\n"
        "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nX-Named: 1\r\n"
        "Upgrade: foo\r\nProxy-Authorization: Basic eA==\r\nCookie: a=b\r\nX-Other: 2\r\n\r\n".encode()
    )
    assert client.answer().status == 200
    assert kept(seen.requests[0]) == [("Host", host), ("Cookie", "a=b"), ("X-Other", "2")]


def test_connection_cannot_remove_framing_lines(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(
        f"POST / HTTP/1.1\r\nHost: {host}\r\nConnection: Content-Length\r\n"
        "Content-Length: 3\r\n\r\nabc".encode()
    )
    assert client.answer().status == 200
    client.send(
        f"POST / HTTP/1.1\r\nHost: {host}\r\nConnection: Transfer-Encoding\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode()
    )
    assert client.answer().status == 200
    first, second = seen.requests
    assert (first.all("Content-Length"), first.body) == (["3"], b"abc")
    assert (second.all("Transfer-Encoding"), second.body) == (["chunked"], b"3\r\nabc\r\n0\r\n\r\n")


def test_an_absolute_target_replaces_host(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(f"GET http://{host}:8000/x?y HTTP/1.1\r\nHost: other.test\r\nA: b\r\n\r\n".encode())
    assert client.answer().status == 200
    (request,) = seen.requests
    assert one_line(request) == b"GET /x?y HTTP/1.1"
    assert kept(request) == [("Host", f"{host}:8000"), ("A", "b")]
    assert request.all("X-Forwarded-Host") == [f"{host}:8000"]


@pytest.mark.parametrize("on", ["router", "service"])
def test_a_server_may_want_its_own_host(proxy: Proxy, client: Client, origin: Start, on: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen, pass_host_header=on != "router")
    if on == "service":
        name = host.removesuffix(".test")
        proxy.services[name] = msgspec.structs.replace(proxy.services[name], pass_host_header=False)
        proxy.publish()
    client.send(f"GET / HTTP/1.1\r\nA: b\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().status == 200
    assert seen.requests[0].all("Host") == [f"127.0.0.1:{seen.port}"]
    assert seen.requests[0].all("X-Forwarded-Host") == [host]


def test_an_http_1_0_request_without_host_gets_the_servers_own(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    seen = origin(HELLO)
    proxy.route(seen, rule="Path(`/bare-{host}`)")
    path = next(iter(proxy.routers.values())).rule.text[6:-2]
    client.send(f"GET {path} HTTP/1.0\r\nA: b\r\n\r\n".encode())
    response = client.answer()
    assert (response.status, response.body, response.header("Connection")) == (200, b"hello", "close")
    assert client.ended()
    assert one_line(seen.requests[0]) == f"GET {path} HTTP/1.1".encode()
    assert seen.requests[0].all("Host") == [f"127.0.0.1:{seen.port}"]
    assert seen.requests[0].all("X-Forwarded-Host") == []


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b"", b"Content-Length: 0\r\n\r\n"),
        (b"hello", b"Content-Length: 5\r\n\r\nhello"),
        (b"hello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        (b"hello", b"Transfer-Encoding: chunked\r\n\r\n0002;x=y\r\nhe\r\n3 ;z\r\nllo\r\n00\r\n\r\n"),
        (b"", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ],
)
def test_a_body_is_framed_anew(proxy: Proxy, client: Client, origin: Start, body: bytes, sent: bytes) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for pieces in ([sent], [sent[:30], sent[30:]], [bytes([byte]) for byte in sent]):
        client.send(f"PUT / HTTP/1.1\r\nHost: {host}\r\n".encode())
        for piece in pieces:
            client.send(piece)
        assert client.answer().status == 200
    assert len(seen.requests) == 3
    for request in seen.requests:
        if b"chunked" in sent:
            assert request.all("Transfer-Encoding") == ["chunked"]
            assert request.all("Content-Length") == []
            assert b";" not in request.body
            assert b"".join(request.body.split(b"\r\n")[1:-3:2]) == body
        else:
            assert request.all("Content-Length") == [str(len(body))]
            assert request.body == body


def test_trailers_pass_except_forbidden_ones(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(
        f"POST / HTTP/1.1\r\nHost: {host}\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
        "0\r\nX-Sum: 1\r\nHost: evil\r\nX-Forwarded-For: 6.6.6.6\r\nContent-Length: 9\r\n\r\n".encode()
    )
    assert client.answer().status == 200
    assert seen.requests[0].body == b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"
    assert seen.requests[0].all("Trailer") == ["X-Sum"]


def test_a_head_that_arrives_byte_by_byte(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for byte in f"GET /slow HTTP/1.1\r\nHost: {host}\r\nA: b\r\n\r\n".encode():
        client.send(bytes([byte]))
    assert client.answer().status == 200
    assert len(seen.requests) == 1


ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("TRACE", 405)])
def test_with_max_forwards_0_the_proxy_responds_itself(
    proxy: Proxy, client: Client, origin: Start, method: str, status: int
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for _ in range(2):
        client.send(
            f"{method} /x HTTP/1.1\r\nHost: {host}\r\nMax-Forwards: 0\r\nCookie: secret=1\r\n\r\n".encode()
        )
        response = client.answer()
        assert (response.status, response.header("Allow")) == (status, ALLOW)
        assert response.header("Connection") is None
        assert b"secret" not in response.head + response.body
        if method == "OPTIONS":
            assert (response.header("Content-Length"), response.header("Content-Type")) == ("0", None)
    assert seen.connections == 0
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().body == b"hello"


@pytest.mark.parametrize(
    ("framing", "kept"),
    [
        ("Content-Length: 2\r\n\r\nhi", True),
        ("Content-Length: 200\r\n\r\nhi", False),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", False),
    ],
)
def test_the_body_of_such_a_request_is_no_request(
    proxy: Proxy, client: Client, origin: Start, framing: str, kept: bool
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(f"OPTIONS / HTTP/1.1\r\nHost: {host}\r\nMax-Forwards: 0\r\n{framing}".encode())
    response = client.answer()
    assert (response.status, response.header("Connection")) == (200, None if kept else "close")
    if kept:
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().body == b"hello"
    else:
        assert client.ended()
    assert len(seen.requests) == kept


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_max_forwards_is_decremented(proxy: Proxy, client: Client, origin: Start, method: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for value in ("1", "007", "20000000000"):
        # The second head of each repeats the first.
        for _ in range(2):
            client.send(
                f"{method} / HTTP/1.1\r\nHost: {host}\r\nMax-Forwards: {value}\r\nA: b\r\n\r\n".encode()
            )
            assert client.answer().body == b"hello"
    client.send(f"{method} / HTTP/1.1\r\nHost: {host}\r\nA: b\r\n\r\n".encode())
    assert client.answer().body == b"hello"
    passed = [request.all("Max-Forwards") for request in seen.requests]
    assert passed == [["0"], ["0"], ["6"], ["6"], ["999999999"], ["999999999"], []]


@pytest.mark.parametrize("value", ["", "-1", "x", "1, 2", "1\r\nMax-Forwards: 1"])
def test_max_forwards_that_is_no_number_is_refused(
    proxy: Proxy, client: Client, origin: Start, value: str
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(f"OPTIONS / HTTP/1.1\r\nHost: {host}\r\nMax-Forwards: {value}\r\n\r\n".encode())
    assert client.answer().status == 400
    assert seen.connections == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "BREW"])
@pytest.mark.parametrize("value", ["0", "1", "x"])
def test_max_forwards_has_no_effect_with_other_methods(
    proxy: Proxy, client: Client, origin: Start, method: str, value: str
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(f"{method} / HTTP/1.1\r\nHost: {host}\r\nMax-Forwards: {value}\r\n\r\n".encode())
    assert client.answer(method).status == 200
    assert seen.requests[0].all("Max-Forwards") == [value]


def test_max_forwards_0_does_not_bypass_routes_and_middlewares(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    guarded = proxy.route(origin(HELLO), middlewares=("unknown",))
    for host, status in (("nowhere.test", 404), (guarded, 503)):
        client.send(f"OPTIONS / HTTP/1.1\r\nHost: {host}\r\nMax-Forwards: 0\r\n\r\n".encode())
        response = client.answer()
        assert (response.status, response.header("Allow")) == (status, None)


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_one_empty_line_before_each_request_is_skipped(
    proxy: Proxy, client: Client, origin: Start, step: int
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    head = f"\r\nPOST /x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\nhi".encode()
    for _ in range(3):
        for at in range(0, len(head), step):
            client.send(head[at : at + step])
        assert client.answer().status == 200
    assert [one_line(request) for request in seen.requests] == [b"POST /x HTTP/1.1"] * 3
    assert {request.body for request in seen.requests} == {b"hi"}


def test_an_empty_line_after_a_body_is_skipped(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\n"
    for framed in ("Content-Length: 2\r\n\r\nhi", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"):
        client.send(f"{head}{framed}\r\n".encode())
        assert client.answer().status == 200
        client.send(f"GET /next HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().status == 200
    # Also in one send.
    client.send(f"{head}{framed}\r\nGET /last HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert [client.answer().status for _ in range(2)] == [200, 200]
    assert [request.target for request in seen.requests] == ["/", "/next", "/", "/next", "/", "/last"]


@pytest.mark.parametrize("pieces", [[b"\r\n", b"\r\n"], [b"\r\n\r\n"], [b"\r\n", b"\n"], [b"\n"]])
def test_a_second_empty_line_after_a_body_is_refused(
    proxy: Proxy, client: Client, origin: Start, pieces: list[bytes]
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\nhi".encode() + pieces[0])
    assert client.answer().status == 200
    for piece in pieces[1:]:
        client.send(piece)
    client.send(f"GET /next HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    response = client.answer()
    assert (response.status, response.header("Connection")) == (400, "close")
    assert client.ended()
    assert len(seen.requests) == 1


def test_a_client_that_has_sent_only_an_empty_line_is_idle(hasty: Proxy, origin: Start) -> None:
    host = hasty.route(origin(HELLO))
    with Client(hasty.web) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\nhi\r\n".encode())
        assert client.answer().status == 200
        assert client.ended(), "without a 408, because no request has begun"


def test_nothing_is_sent_to_a_server_before_the_head_is_complete(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(HELLO)

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n".encode())
    with Client(proxy.web) as other:
        other.send(f"GET /other HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert other.answer().status == 200
    assert [request.target for request in seen.requests] == ["/other"]
    assert seen.connections == 1
    client.half_close()
    assert client.ended()
