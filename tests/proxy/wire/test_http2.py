"""Requests of HTTP/2 clients, by prior knowledge, with servers of HTTP/1.1 behind."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rondpoint.model import Middleware
from tests.lab.http2 import frames, hpack
from tests.lab.http2.client import Client, head
from tests.lab.http2.hpack import Field
from tests.lab.http2.peer import Stream
from tests.lab.origin import Connection, Handler, Start, http_response
from tests.proxy.running import Proxy

HELLO = http_response(b"hello")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
LARGE = 3_000_000
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR = 0, 1, 2


@contextmanager
def started(port: int, *pairs: tuple[int, int], grants: bool = True) -> Iterator[Client]:
    with Client(port, grants=grants) as client:
        client.start(*pairs)
        yield client


@pytest.fixture
def h2(proxy: Proxy) -> Iterator[Client]:
    """A connection to `proxy`."""
    with started(proxy.web) as client:
        yield client


def scripted(*pieces: bytes, reads: bool = True, closes: bool = False) -> Handler:
    """Return a handler that responds to each request with these pieces; then it may close the connection."""

    def handler(connection: Connection) -> None:
        while (request := connection.read_head()) is not None:
            if reads:
                connection.read_body(request)
            for piece in pieces:
                connection.send(piece)
            if closes:
                return

    return handler


class Held:
    """A handler that sends `first` at once, waits, and notes that its client has ended the connection."""

    def __init__(self, first: bytes = b"") -> None:
        self.first = first
        self.left = threading.Event()

    def __call__(self, connection: Connection) -> None:
        connection.read_head()
        connection.send(self.first)
        while connection.receive():
            pass
        self.left.set()


def ask(
    client: Client, host: str, method: bytes = b"GET", *fields: Field, content: bytes | None = None
) -> int:
    """Send a request, whose stream it ends unless content is given."""
    return client.request(authority=host.encode(), method=method, fields=fields, content=content)


def begin(client: Client, host: str, method: bytes = b"POST", *fields: Field) -> int:
    """Send the head of a request whose stream goes on."""
    number = client.next_stream()
    block = head(b"/", method, host.encode(), fields=fields)
    client.send(frames.headers(number, block, ended=False))
    return number


def get(client: Client, host: str, *fields: Field) -> Stream:
    return client.wait_for(ask(client, host, b"GET", *fields))


def test_a_server_gets_one_clean_request(proxy: Proxy, h2: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    found = get(h2, host, (b"cookie", b"a=1"), (b"x-one", b"1"), (b"cookie", b"b=2"), (b"te", b"trailers"))
    assert (found.status, bytes(found.content)) == (200, b"hello")
    assert found.final[b"content-length"] == b"5"
    (sent,) = seen.requests
    assert sent.head.startswith(b"GET / HTTP/1.1\r\n")
    names = {"Host": host, "X-One": "1", "Cookie": "a=1; b=2", "X-Forwarded-Host": host}
    assert {name: sent.all(name) for name in names} == {name: [value] for name, value in names.items()}
    assert (sent.all("X-Forwarded-For"), sent.all("X-Forwarded-Proto")) == (["127.0.0.1"], ["http"])
    assert not sent.all("Te") + sent.all("Connection") + sent.all("Transfer-Encoding")


def test_a_slow_stream_holds_up_no_other(proxy: Proxy, h2: Client, origin: Start) -> None:
    served = threading.Event()

    def slow(connection: Connection) -> None:
        connection.read()
        served.wait()
        connection.send(HELLO)

    slow_host, host = proxy.route(origin(slow)), proxy.route(origin(HELLO))
    waiting = ask(h2, slow_host)
    others = [ask(h2, host) for _ in range(50)]
    assert {h2.wait_for(number).status for number in others} == {200}
    assert not h2.stream(waiting).over
    served.set()
    assert h2.wait_for(waiting).status == 200


@pytest.mark.parametrize("size", [0, 5, LARGE])
@pytest.mark.parametrize("announced", [True, False], ids=["length", "open"])
def test_content_reaches_the_server(
    proxy: Proxy, h2: Client, origin: Start, size: int, announced: bool
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    fields = [(b"content-length", b"%d" % size)] if announced else []
    assert h2.wait_for(ask(h2, host, b"POST", *fields, content=b"x" * size)).status == 200
    (sent,) = seen.requests
    # A length of 0 goes on as chunked if the end of the stream has not come yet.
    chunked = not announced or (not size and sent.all("Transfer-Encoding") != [])
    assert sent.all("Content-Length") == [str(size)] * (not chunked)
    assert sent.all("Transfer-Encoding") == ["chunked"] * chunked
    assert sent.body.count(b"x") == size


@pytest.mark.parametrize("length", [0, 5])
def test_no_server_gets_a_whole_request_before_the_end_of_its_content(
    proxy: Proxy, h2: Client, origin: Start, length: int
) -> None:
    received: list[bytes] = []
    left = threading.Event()

    def record(connection: Connection) -> None:
        connection.read_head()
        while piece := connection.receive():
            received.append(piece)
        left.set()

    number = begin(h2, proxy.route(origin(record)), b"POST", (b"content-length", b"%d" % length))
    h2.send(frames.data(number, b"hello"[:length]))
    assert h2.ping()
    h2.send(frames.data(number, b"more"))
    assert h2.wait_for(number).reset == PROTOCOL_ERROR
    assert left.wait(10)
    assert not received


def test_the_end_of_content_may_come_in_a_frame_of_its_own(proxy: Proxy, h2: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for length in (5, 0):
        number = begin(h2, host, b"POST", (b"content-length", b"%d" % length))
        h2.send(frames.data(number, b"hello"[:length]))
        assert h2.ping()
        h2.send(frames.data(number, b"", ended=True))
        assert h2.wait_for(number).status == 200
    assert [sent.body for sent in seen.requests] == [b"hello", b"0\r\n\r\n"]


def test_trailers_go_both_ways(proxy: Proxy, h2: Client, origin: Start) -> None:
    seen = origin(scripted(CHUNKED + b"0\r\nX-Sum: 1\r\n\r\n"))
    number = begin(h2, proxy.route(seen))
    h2.send(frames.data(number, b"abc"), frames.headers(number, hpack.block([(b"x-own", b"2")])))
    found = h2.wait_for(number)
    assert (bytes(found.content), found.trailers) == (b"hello", [(b"x-sum", b"1")])
    assert seen.requests[0].body == b"3\r\nabc\r\n0\r\nx-own: 2\r\n\r\n"


def test_a_large_response_waits_for_a_slow_reader(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(http_response(b"x" * LARGE)))
    with started(proxy.web, grants=False) as client:
        number = ask(client, host)
        assert client.wait(lambda: len(client.stream(number).content) == frames.FIRST_WINDOW)
        assert client.ping()
        assert len(client.stream(number).content) == frames.FIRST_WINDOW
        client.grants = True
        client.send(frames.window_update(0, LARGE), frames.window_update(number, LARGE))
        assert len(client.wait_for(number).content) == LARGE


BODILESS = [
    (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200),
    (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200),
    (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    (b"GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", 304),
    (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
]


@pytest.mark.parametrize(("method", "response", "status"), BODILESS)
def test_a_response_without_content_ends_with_its_head(
    proxy: Proxy, h2: Client, origin: Start, method: bytes, response: bytes, status: int
) -> None:
    found = h2.wait_for(ask(h2, proxy.route(origin(scripted(response))), method))
    assert (found.status, found.ended, h2.count(frames.DATA)) == (status, True, 0)


def test_content_until_the_server_closes_ends_the_stream(proxy: Proxy, h2: Client, origin: Start) -> None:
    host = proxy.route(origin(scripted(b"HTTP/1.1 200 OK\r\n\r\nhello", closes=True)))
    found = get(h2, host)
    assert (bytes(found.content), found.ended) == (b"hello", True)


CUT = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    CHUNKED,
]


@pytest.mark.parametrize("response", CUT, ids=["length", "chunks"])
def test_a_cut_response_ends_in_a_reset(proxy: Proxy, h2: Client, origin: Start, response: bytes) -> None:
    found = get(h2, proxy.route(origin(scripted(response, closes=True))))
    assert (bytes(found.content), found.ended, found.reset) == (b"hello", False, INTERNAL_ERROR)
    assert h2.ping()


def test_interim_responses_come_first(proxy: Proxy, h2: Client, origin: Start) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    host = proxy.route(origin(scripted(b"HTTP/1.1 100 Continue\r\n\r\n", early, HELLO, reads=False)))
    found = get(h2, host)
    assert [dict(each)[b":status"] for each in found.heads] == [b"100", b"103", b"200"]
    assert dict(found.heads[1])[b"link"] == b"</a.css>"


def test_endless_interim_responses_for_a_client_that_reads_nothing_are_cut(
    proxy: Proxy, h2: Client, origin: Start
) -> None:
    """Heads need no window, so nothing else would bound them."""
    over = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read_head()
        try:
            connection.send((b"HTTP/1.1 103 Early Hints\r\nLink: %b\r\n\r\n" % (b"a" * 8000)) * 4000)
            connection.send(HELLO)
        finally:
            over.set()

    number = ask(h2, proxy.route(origin(handler)))
    assert over.wait(30)
    assert h2.wait_for(number).reset is not None


def test_an_early_response_ends_the_upload_alone(proxy: Proxy, h2: Client, origin: Start) -> None:
    refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
    host = proxy.route(origin(scripted(refusal, reads=False, closes=True)))
    number = begin(h2, host)
    h2.send(frames.data(number, b"abc"))
    found = h2.wait_for(number)
    assert found.status == 413
    assert h2.wait(lambda: found.reset is not None)
    assert found.reset == NO_ERROR
    assert get(h2, host).status == 413


def test_a_response_streams_while_the_request_does(proxy: Proxy, h2: Client, origin: Start) -> None:
    def echo(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            piece = connection.receive()
            connection.send(piece)
            received += piece

    number = begin(h2, proxy.route(origin(echo)))
    record = h2.stream(number)
    for text in (b"one", b"two"):
        h2.send(frames.data(number, text))
        assert h2.wait(lambda text=text: record.content.endswith(text))  # type: ignore[misc]
    h2.send(frames.data(number, b"", ended=True))
    assert h2.wait_for(number).ended


def ends(client: Client, number: int, how: str) -> None:
    if how == "reset":
        client.send(frames.rst_stream(number))
    else:
        client.socket.close()


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("first", [b"", CHUNKED, CHUNKED.replace(b"Transfer-Encoding: chunked", b"X-A: b")])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_client_that_leaves_ends_the_servers_work(
    proxy: Proxy, origin: Start, how: str, first: bytes, method: bytes
) -> None:
    held = Held(first)
    seen = origin(held)
    host = proxy.route(seen)
    with started(proxy.web) as client:
        number = ask(client, host) if method == b"GET" else begin(client, host)
        seen.wait_for_requests(1)
        if first:
            assert client.wait(lambda: client.stream(number).content)
        ends(client, number, how)
        assert held.left.wait(10)
        if how == "reset":
            assert client.ping()


def test_a_stream_that_was_taken_back_at_once_reaches_no_server(
    proxy: Proxy, h2: Client, origin: Start
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    number = h2.next_stream()
    h2.send(frames.headers(number, head(b"/", b"GET", host.encode())), frames.rst_stream(number))
    assert get(h2, host).status == 200
    assert len(seen.requests) == 1


REFUSED = [
    ([(b"x-large", b"a" * 70_000)], 431),
    ([(b"x-many-%d" % number, b"") for number in range(101)], 431),
]


@pytest.mark.parametrize(("fields", "status"), REFUSED, ids=["large", "many"])
def test_a_head_above_a_limit_is_refused_alone(
    proxy: Proxy, h2: Client, origin: Start, fields: list[Field], status: int
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    block = head(fields=fields)
    number = h2.next_stream()
    pieces = [block[start : start + 16_000] for start in range(0, len(block), 16_000)]
    h2.send(
        frames.headers(number, pieces[0], flags=0 if pieces[1:] else frames.END_HEADERS),
        *(frames.continuation(number, piece, last=piece is pieces[-1]) for piece in pieces[1:]),
    )
    assert h2.wait_for(number).status == status
    assert get(h2, host).status == 200
    assert len(seen.requests) == 1


def test_content_above_the_limit_is_refused(origin: Start, proxy: Proxy, h2: Client) -> None:
    proxy.middlewares["small"] = Middleware("small", "buffering", {"maxRequestBodyBytes": 10})
    host = proxy.route(origin(HELLO), middlewares=("small",))
    for size, status in ((10, 200), (11, 413)):
        assert h2.wait_for(ask(h2, host, b"POST", content=b"x" * size)).status == status
    number = begin(h2, host)
    h2.send(
        frames.data(number, b"x" * 5), frames.data(number, b"x" * 5), frames.data(number, b"", ended=True)
    )
    assert h2.wait_for(number).status == 200


KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def websocket(accept: str = "") -> Handler:
    """Return a server of WebSockets that echoes all bytes in upper case."""

    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request is not None
        key = (request.header("Sec-WebSocket-Key") or "").encode()
        made = base64.b64encode(hashlib.sha1(key + KEY, usedforsecurity=False).digest()).decode()
        lines = (
            "HTTP/1.1 101 Switching Protocols",
            "Sec-WebSocket-Protocol: chat",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept or made}",
        )
        connection.send("\r\n".join((*lines, "", "")).encode())
        while data := connection.receive():
            connection.send(data.upper())

    return handler


def connect(client: Client, host: str) -> int:
    """Ask for a WebSocket (RFC 8441 §4)."""
    number = client.next_stream()
    fields = [(b":protocol", b"websocket"), (b"sec-websocket-version", b"13")]
    client.send(frames.headers(number, head(b"/chat", b"CONNECT", host.encode(), fields=fields), ended=False))
    return number


def test_a_websocket_is_a_tunnel_over_its_stream(proxy: Proxy, h2: Client, origin: Start) -> None:
    seen = origin(websocket())
    host, other = proxy.route(seen), proxy.route(origin(HELLO))
    assert h2.settings[frames.ENABLE_CONNECT_PROTOCOL] == 1
    number = connect(h2, host)
    record = h2.stream(number)
    assert h2.wait(lambda: record.status)
    assert (record.status, record.final[b"sec-websocket-protocol"]) == (200, b"chat")
    assert b"sec-websocket-accept" not in record.final
    (sent,) = seen.requests
    assert sent.head.startswith(b"GET /chat HTTP/1.1\r\n")
    assert (sent.all("Upgrade"), sent.all("X-Forwarded-Proto")) == (["websocket"], ["ws"])
    h2.send(frames.data(number, b"hello"))
    assert h2.wait(lambda: record.content == b"HELLO")
    assert get(h2, other).status == 200
    h2.send(frames.data(number, b"", ended=True))
    assert h2.wait_for(number).ended


REFUSALS = [
    (scripted(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), 403),
    (websocket(accept="wrong"), 502),
    (scripted(HELLO), 502),
]


@pytest.mark.parametrize(("server", "status"), REFUSALS, ids=["refused", "key", "success"])
def test_a_websocket_needs_the_servers_consent(
    proxy: Proxy, h2: Client, origin: Start, server: Handler, status: int
) -> None:
    number = connect(h2, proxy.route(origin(server)))
    assert h2.wait_for(number).status == status
    assert h2.ping()


def test_a_101_that_nobody_asked_for_is_an_error(proxy: Proxy, h2: Client, origin: Start) -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
    assert get(h2, proxy.route(origin(scripted(switching)))).status == 502


def test_no_more_than_the_allowed_streams_are_open(proxy: Proxy, h2: Client, origin: Start) -> None:
    seen = origin(Held())
    host = proxy.route(seen)
    most = h2.settings[3]
    assert most == 250
    numbers = [ask(h2, host) for _ in range(most + 1)]
    assert h2.wait_for(numbers[-1]).reset == 7
    seen.wait_for_requests(most)
    assert len(seen.requests) == most


# Deadlines, each of one second here; a worker checks deadlines once a second.


def test_an_idle_connection_ends_with_a_goaway(hasty: Proxy) -> None:
    with started(hasty.web) as client:
        assert client.wait_for_end(20)
        assert client.goaway is not None
        assert client.goaway.payload[4:8] == bytes(4)


@pytest.mark.parametrize("sent", [b"", frames.PREFACE[:18], frames.PREFACE, frames.PREFACE + bytes(5)])
def test_a_connection_that_does_not_begin_ends(hasty: Proxy, sent: bytes) -> None:
    with Client(hasty.web) as client:
        client.send(sent)
        assert client.wait_for_end(20)


def test_a_head_that_stops_ends_its_connection(hasty: Proxy) -> None:
    with started(hasty.web) as client:
        client.send(frames.headers(1, head(), flags=0))
        assert client.wait_for_end(20)


def test_content_that_stops_gives_408(hasty: Proxy, origin: Start) -> None:
    host = hasty.route(origin(HELLO))
    with started(hasty.web) as client:
        number = begin(client, host)
        client.send(frames.data(number, b"abc"))
        assert client.wait_for(number).status == 408
