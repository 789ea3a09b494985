"""Servers that speak HTTP/2 without TLS: what becomes of requests and responses, and of odd frames."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Queue

import msgspec
import pytest
from h2.settings import SettingCodes

from rondpoint.model import Member, Middleware, Mirror, Mirroring, Server, Service
from tests.lab.http2_origin import Call, Http2Session, frame
from tests.lab.origin import Connection, Handler, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client, CutError
from tests.proxy.wire.http2_servers import route_http2

LONG = random.Random(15).randbytes(1_500_003)

Respond = Callable[[Http2Session, Call], None]


def serving(respond: Respond, settings: dict[SettingCodes, int] | None = None) -> Handler:
    """Return a handler that gives each whole request to `respond`."""

    def handler(connection: Connection) -> None:
        session = Http2Session(connection, settings)
        for call in session.requests():
            session.read_body(call)
            respond(session, call)

    return handler


def get(host: str, target: str = "/", method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def post(host: str, body: bytes) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def echo(session: Http2Session, call: Call) -> None:
    session.respond(call, bytes(call.body))


def test_heads_are_translated(proxy: Proxy, client: Client, origin: Start) -> None:
    seen: list[Call] = []

    def respond(session: Http2Session, call: Call) -> None:
        seen.append(call)
        session.respond(call, b"ok", ("x-one", "1"), ("x-one", "2"))

    host = route_http2(proxy, origin(serving(respond)))
    client.send(f"GET /p?q HTTP/1.1\r\nHost: {host}\r\nTE: trailers\r\nCookie: a=b; c=d\r\n\r\n".encode())
    answer = client.answer()
    assert (answer.status, answer.body) == (200, b"ok")
    assert [line for line in answer.lines if line.startswith(b"x-one")] == [b"x-one: 1", b"x-one: 2"]
    client.send(post(host, b"hello"))
    assert client.answer().body == b"ok"
    first, second = seen
    assert first.headers[:4] == [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", host),
        (":path", "/p?q"),
    ]
    assert first.header("cookie") == "a=b; c=d"
    assert first.header("x-forwarded-host") == host
    assert not {"host", "connection", "te", "transfer-encoding", "content-length"} & {
        name for name, _ in first.headers
    }
    assert (second.header(":method"), second.header("content-length"), second.body) == ("POST", "5", b"hello")


def test_content_and_trailers_pass_both_ways(proxy: Proxy, client: Client, origin: Start) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        assert call.trailers == [("x-sum", "7")]
        session.begin(call)
        session.send(call, bytes(call.body))
        session.end(call, ("x-sum", "8"))

    host = route_http2(proxy, origin(serving(respond)))
    head = f"PUT / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
    client.send(head.encode() + b"3\r\nabc\r\n")
    client.send(b"2\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n")
    answer = client.answer()
    assert (answer.body, answer.trailers) == (b"abcde", b"x-sum: 8\r\n")


@pytest.mark.parametrize("framed", ["length", "end of the stream"])
def test_long_content_passes_both_ways(proxy: Proxy, client: Client, origin: Start, framed: str) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        if framed == "length":
            echo(session, call)
        else:
            session.begin(call)
            session.send(call, bytes(call.body), end=True)

    host = route_http2(proxy, origin(serving(respond)))
    client.send(post(host, LONG))
    assert client.answer().body == LONG


def test_a_server_with_tiny_limits(proxy: Proxy, client: Client, origin: Start) -> None:
    settings = {
        SettingCodes.INITIAL_WINDOW_SIZE: 40,
        SettingCodes.HEADER_TABLE_SIZE: 0,
        SettingCodes.MAX_CONCURRENT_STREAMS: 1,
    }
    host = route_http2(proxy, origin(serving(echo, settings)))
    for size in (0, 39, 41, 3000):
        client.send(post(host, LONG[:size]))
        assert client.answer().body == LONG[:size]


@pytest.mark.parametrize("status", ["204", "304"])
def test_responses_without_content(proxy: Proxy, client: Client, origin: Start, status: str) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        session.begin(call, ("x-a", "b"), status=status, end=True)

    started = origin(serving(respond))
    host = route_http2(proxy, started)
    for _ in range(2):
        client.send(get(host))
        answer = client.answer()
        assert (answer.status, answer.header("x-a")) == (int(status), "b")
    assert started.connections == 1


def test_a_response_to_head_whose_stream_ends_later(proxy: Proxy, client: Client, origin: Start) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        session.begin(call, ("content-length", "5"))
        session.end(call)

    started = origin(serving(respond, {SettingCodes.MAX_CONCURRENT_STREAMS: 1}))
    host = route_http2(proxy, started)
    for _ in range(3):
        client.send(get(host, method="HEAD"))
        assert client.answer("HEAD").header("content-length") == "5"


def test_interim_responses_pass(proxy: Proxy, client: Client, origin: Start) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        session.begin(call, ("link", "</a.css>"), status="103")
        session.respond(call, b"done")

    host = route_http2(proxy, origin(serving(respond)))
    client.send(get(host))
    early = client.answer()
    assert (early.status, early.header("link")) == (103, "</a.css>")
    assert client.answer().body == b"done"


# HPACK of `:status: 200`, and of `x-a: b` without indexing.
OK, X_A = b"\x88", b"\x00\x03x-a\x01b"
DATA, HEADERS, SETTINGS, PING, CONTINUATION = 0, 1, 4, 6, 9
UNKNOWN = 0xBB


def test_odd_frames_are_understood(proxy: Proxy, client: Client, origin: Start) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        at = call.stream
        session.connection.send(
            frame(UNKNOWN, 0, 0, b"?")
            + frame(PING, 0, 0, b"12345678")
            # Padded, and in two frames.
            + frame(HEADERS, 0x8, at, b"\3" + OK + bytes(3))
            + frame(CONTINUATION, 0x4, at, X_A)
            + frame(UNKNOWN, 0xFF, at, b"?")
            + frame(SETTINGS, 0, 0, b"\0\4\0\1\0\0")
            + frame(DATA, 0x8, at, b"\5ab" + bytes(5))
            + frame(DATA, 0, at)
            + frame(DATA, 0x8, at, b"\0c")
            + frame(DATA, 0x9, at, b"\1" + bytes(1))
        )

    host = route_http2(proxy, origin(serving(respond)))
    for _ in range(2):
        client.send(get(host))
        answer = client.answer()
        assert (answer.status, answer.header("x-a"), answer.body) == (200, "b", b"abc")


LYING: dict[str, Callable[[int], bytes]] = {
    "less content": lambda at: frame(HEADERS, 0x4, at, OK + b"\x0f\x0d\x019") + frame(DATA, 1, at, b"abc"),
    "more content": lambda at: (
        frame(HEADERS, 0x4, at, OK + b"\x0f\x0d\x012") + frame(DATA, 0, at, b"a") + frame(DATA, 1, at, b"bc")
    ),
    "a reset": lambda at: (
        frame(HEADERS, 0x4, at, OK) + frame(DATA, 0, at, b"abc") + frame(3, 0, at, b"\0\0\0\2")
    ),
    "a reset without an error": lambda at: (
        frame(HEADERS, 0x4, at, OK) + frame(DATA, 0, at, b"abc") + frame(3, 0, at, b"\0\0\0\0")
    ),
}


@pytest.mark.parametrize("case", LYING)
def test_incomplete_content_is_cut_and_the_connection_stays(
    proxy: Proxy, client: Client, origin: Start, case: str
) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        if call.path == "/lie":
            session.connection.send(LYING[case](call.stream))
        else:
            session.connection.send(frame(HEADERS, 0x5, call.stream, b"\x88"))

    started = origin(serving(respond))
    host = route_http2(proxy, started)
    client.send(get(host, "/lie"))
    with pytest.raises(CutError):
        client.answer()
    with Client(proxy.web) as other:
        other.send(get(host))
        assert other.answer().status == 200
    assert started.connections == 1


def test_content_is_cut_with_its_connection(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        call = session.next_call()
        session.begin(call)
        session.send(call, b"abc")

    host = route_http2(proxy, origin(handler))
    client.send(get(host))
    with pytest.raises(CutError) as cut:
        client.answer()
    assert cut.value.received == b"abc"


MALFORMED: dict[str, bytes] = {
    "101": b"\x08\x03101",
    "no status": X_A,
    "a status of two digits": b"\x08\x0220",
    "an upper-case name": OK + b"\x00\x03X-a\x01b",
    "a line break in a value": OK + b"\x00\x03x-a\x03b\r\n",
    "a field of the connection": OK + b"\x00\x0aconnection\x05close",
    "two lengths": OK + b"\x0f\x0d\x012" + b"\x0f\x0d\x013",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_head_is_a_bad_gateway(proxy: Proxy, client: Client, origin: Start, case: str) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        session.connection.send(frame(HEADERS, 0x5, call.stream, MALFORMED[case]))

    host = route_http2(proxy, origin(serving(respond)))
    client.send(get(host))
    assert client.answer().status == 502


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
def test_an_early_response_ends_the_upload(proxy: Proxy, client: Client, origin: Start, length: bool) -> None:
    """The server gives no window, responds, and tells the client to stop (RFC 9113 §8.1)."""
    told = threading.Event()

    def handler(connection: Connection) -> None:
        session = Http2Session(connection, gives_window=False)
        for call in session.requests():
            session.respond(call, b"too much", status="413")
            assert session.wait_for_reset(call) == 8
            told.set()

    host = route_http2(proxy, origin(handler))
    framing = "Content-Length: 10000000" if length else "Transfer-Encoding: chunked"
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\n{framing}\r\n\r\n186a0\r\n".encode() + bytes(100_000))
    answer = client.answer()
    assert (answer.status, answer.body) == (413, b"too much")
    assert client.ended()
    assert told.wait(30)


def test_both_directions_stream_at_once(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        call = session.next_call()
        session.begin(call)
        for expected in (b"one", b"two"):
            while not call.body.endswith(expected):
                assert session.receive()
            session.send(call, expected.upper())
        session.read_body(call)
        session.end(call)
        session.drain()

    host = route_http2(proxy, origin(handler))
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    assert b"200" in client.head()
    for piece in (b"one", b"two"):
        client.send(b"3\r\n%b\r\n" % piece)
        assert client.chunk() == piece.upper()
    client.send(b"0\r\n\r\n")
    assert client.chunk() == b""


@pytest.mark.parametrize("when", ["before the response", "during the response", "during the request"])
def test_the_stream_of_a_client_that_leaves_is_cancelled(
    proxy: Proxy, client: Client, origin: Start, when: str
) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        call = session.next_call()
        begun.set()
        if when == "during the response":
            session.begin(call)
            with suppress(AssertionError):
                while True:
                    session.send(call, bytes(50_000))
        assert session.wait_for_reset(call) == 8
        cancelled.set()

    host = route_http2(proxy, origin(handler))
    request = post(host, b"abc")
    client.send(request[:-2] if when == "during the request" else request)
    assert begun.wait(30)
    if when == "during the response":
        client.head()
    client.reset()
    assert cancelled.wait(30)


def test_a_service_may_have_servers_of_both_protocols(proxy: Proxy, client: Client, origin: Start) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        session.respond(call, b"new " + bytes(call.body))

    def old(connection: Connection) -> None:
        while request := connection.read():
            connection.send(http_response(b"old " + request.body))

    modern, plain = origin(serving(respond)), origin(old)
    host = route_http2(proxy, modern)
    servers = (Server("a", "127.0.0.1", modern.port, "h2c"), Server("b", "127.0.0.1", plain.port))
    proxy.tune(host, servers=servers)
    bodies = []
    for _ in range(4):
        client.send(post(host, b"x"))
        bodies.append(client.answer().body)
    assert sorted(bodies) == [b"new x", b"new x", b"old x", b"old x"]


def test_content_that_a_refusing_server_got_goes_to_a_server_of_the_other_protocol(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def old(connection: Connection) -> None:
        while request := connection.read():
            connection.send(http_response(b"old " + request.body))

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        for call in session.requests():
            session.reset(call, 7)

    plain = origin(old)
    host = route_http2(proxy, origin(handler))
    modern = proxy.services[host.removesuffix(".test")].servers
    proxy.tune(host, servers=(*modern, Server("b", "127.0.0.1", plain.port)))
    chunked = f"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    for _ in range(2):
        client.send(chunked + b"3\r\nabc\r\n0\r\n\r\n")
        assert client.answer().body == b"old 3\r\nabc\r\n0\r\n\r\n"


STEPS = {
    "buffering": ("buffering", {"memRequestBodyBytes": 10, "memResponseBodyBytes": 10}),
    "compress": ("compress", {"minResponseBodyBytes": 1}),
    "retry": ("retry", {"attempts": 2}),
}


@pytest.mark.parametrize("step", STEPS)
def test_middlewares_work_on_the_content(proxy: Proxy, client: Client, origin: Start, step: str) -> None:
    def respond(session: Http2Session, call: Call) -> None:
        session.begin(call, ("content-type", "text/plain"))
        session.send(call, bytes(call.body), end=True)

    kind, options = STEPS[step]
    host = route_http2(proxy, origin(serving(respond)))
    proxy.middlewares["step@x"] = Middleware("step@x", kind, options)
    name = host.removesuffix(".test")
    proxy.routers[name] = msgspec.structs.replace(proxy.routers[name], middlewares=("step@x",))
    proxy.publish()
    client.send(post(host, LONG[:100_000]))
    assert client.answer().body == LONG[:100_000]


def test_a_server_that_speaks_http_1_only(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        assert connection.receive().startswith(b"PRI * HTTP/2.0")
        connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    host = route_http2(proxy, origin(handler))
    client.send(get(host))
    assert client.answer().status == 502


def test_error_pages_come_from_such_servers(proxy: Proxy, client: Client, origin: Start) -> None:
    def page(session: Http2Session, call: Call) -> None:
        session.begin(call, ("content-type", "text/html"))
        session.send(call, f"page for {call.path}".encode(), end=True)

    pages = origin(serving(page))
    proxy.services["pages"] = Service("pages", (Server("p", "127.0.0.1", pages.port, "h2c"),))
    options = {"status": ["500-599"], "service": "pages", "query": "/{status}"}
    proxy.middlewares["errors@x"] = Middleware("errors@x", "errors", options)
    host = proxy.route(origin(http_response(b"original", "503 Busy")), middlewares=("errors@x",))
    for _ in range(2):
        client.send(get(host))
        assert client.answer().body == b"page for /503"
    assert pages.connections == 1


def test_mirrors_may_be_such_servers(proxy: Proxy, client: Client, origin: Start) -> None:
    bodies: Queue[bytes] = Queue()

    def copy(session: Http2Session, call: Call) -> None:
        bodies.put(bytes(call.body))
        session.begin(call)
        session.send(call, LONG[:200_000], end=True)

    mirror = origin(serving(copy))
    proxy.services["copy"] = Service("copy", (Server("m", "127.0.0.1", mirror.port, "h2c"),))
    main = route_http2(proxy, origin(serving(echo)))
    host = proxy.route(1)
    proxy.tune(
        host,
        servers=(),
        composition="mirroring",
        members=(Member(main.removesuffix(".test")),),
        mirroring=Mirroring((Mirror("copy", 100),)),
    )
    for body in (b"one", b"", b"two"):
        client.send(post(host, body))
        assert client.answer().body == body
        assert bodies.get(timeout=30) == body
    assert mirror.connections == 1
