"""What clients of HTTP/2 get from servers of HTTP/1.1: cut, early, interim and upgraded responses."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha1
from threading import Event

import pytest

from tests.lab.http2 import frames, hpack
from tests.lab.http2.client import Client, head
from tests.lab.http2.frames import CANCEL, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR, data, headers
from tests.lab.origin import Connection, Start, http_response
from tests.lab.waiting import until
from tests.proxy.http2.conftest import HELLO
from tests.proxy.running import Proxy, watched

CUT = {
    "a short Content-Length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "no content": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n",
    "half the trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-A: b\r\n",
}

UNUSABLE = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "101 without a request for it": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "CR in a value": b"HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n",
}

HOP_BY_HOP = (
    "Connection: x-hop",
    "X-Hop: 1",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: keep-alive",
    "X-Kept: 1",
    "X-UPPER: 2",
)


@pytest.fixture
def proxy(lone: Proxy) -> Iterator[Proxy]:
    yield from watched(lone)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    with Client(proxy.web) as client:
        client.start()
        yield client


@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("name", CUT)
def test_a_cut_response_never_ends_cleanly(
    proxy: Proxy, client: Client, origin: Start, name: str, resets: bool
) -> None:
    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target == "/well":
                connection.send(HELLO)
                continue
            connection.send(CUT[name])
            if resets:
                connection.reset()
            return

    host = proxy.route(origin(handler)).encode()
    stream = client.wait_for(client.request(authority=host, method=b"POST"))
    assert not stream.ended
    assert stream.reset in {INTERNAL_ERROR, PROTOCOL_ERROR, CANCEL} or stream.status == 502, client.told()
    assert client.wait_for(client.request(b"/well", authority=host)).content == b"hello"


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_response_becomes_502(proxy: Proxy, client: Client, origin: Start, name: str) -> None:
    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target != "/well":
                connection.send(UNUSABLE[name])
                return
            connection.send(HELLO)

    host = proxy.route(origin(handler)).encode()
    stream = client.wait_for(client.request(authority=host, method=b"POST"))
    assert (stream.status, stream.ended) == (502, True)
    assert client.wait_for(client.request(b"/well", authority=host)).content == b"hello"


@pytest.mark.parametrize(
    ("response", "content", "trailers"),
    [
        (http_response(b"hello"), b"hello", []),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            b"hello",
            [],
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
            b"hello",
            [(b"x-sum", b"1")],
        ),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", b"hello", []),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello", []),
        (http_response(b""), b"", []),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"", []),
    ],
    ids=["length", "chunks", "trailers", "until close", "HTTP/1.0", "no content", "no chunks"],
)
def test_a_whole_response_ends(
    proxy: Proxy,
    client: Client,
    origin: Start,
    response: bytes,
    content: bytes,
    trailers: list[tuple[bytes, bytes]],
) -> None:
    def handler(connection: Connection) -> None:
        assert connection.read()
        connection.send(response)

    host = proxy.route(origin(handler)).encode()
    stream = client.wait_for(client.request(authority=host))
    assert (stream.status, stream.ended, stream.reset) == (200, True, None)
    assert (bytes(stream.content), stream.trailers) == (content, trailers)
    assert b"transfer-encoding" not in stream.final
    assert b"connection" not in stream.final


def test_fields_of_the_servers_connection_stay_there(proxy: Proxy, client: Client, origin: Start) -> None:
    host = proxy.route(origin(http_response(b"hello", headers=HOP_BY_HOP))).encode()
    fields = client.wait_for(client.request(authority=host)).final
    assert {b"x-kept", b"x-upper"} <= fields.keys()
    assert not {b"connection", b"x-hop", b"keep-alive", b"proxy-connection"} & fields.keys()
    assert all(name == name.lower() for name in fields)


@pytest.mark.parametrize("status", [204, 304])
def test_responses_without_content(proxy: Proxy, client: Client, origin: Start, status: int) -> None:
    host = proxy.route(origin(b"HTTP/1.1 %d X\r\nX-A: b\r\n\r\n" % status)).encode()
    stream = client.wait_for(client.request(authority=host))
    assert (stream.status, stream.ended, stream.content) == (status, True, b"")


def test_interim_responses_pass(proxy: Proxy, client: Client, origin: Start) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    host = proxy.route(origin(lambda connection: _respond(connection, hint + HELLO))).encode()
    stream = client.wait_for(client.request(authority=host))
    assert [dict(fields)[b":status"] for fields in stream.heads] == [b"103", b"200"]
    assert dict(stream.heads[0])[b"link"] == b"</a.css>; rel=preload"
    assert stream.content == b"hello"


def _respond(connection: Connection, response: bytes) -> None:
    while connection.read() is not None:
        connection.send(response)


def test_an_expectation_gets_its_interim_response(proxy: Proxy, client: Client, origin: Start) -> None:
    host = proxy.route(origin(HELLO)).encode()
    number = client.next_stream()
    expecting = [(b"expect", b"100-continue"), (b"content-length", b"3")]
    client.send(headers(number, head(b"/", b"POST", host, fields=expecting), ended=False))
    stream = client.stream(number)
    assert client.wait(lambda: stream.heads)
    assert dict(stream.heads[0])[b":status"] == b"100"
    client.send_content(number, b"abc")
    assert client.wait_for(number).status == 200


def test_an_early_response_passes_while_the_upload_is_open(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        while connection.read_head() is not None:
            connection.send(http_response(b"too large", "413 Content Too Large", ("Connection: close",)))
            return

    host = proxy.route(origin(handler)).encode()
    number = client.next_stream()
    client.send(headers(number, head(b"/", b"POST", host), ended=False), data(number, b"first"))
    stream = client.stream(number)
    assert client.wait(lambda: stream.over)
    assert (stream.status, stream.content, stream.ended) == (413, b"too large", True)
    client.wait(lambda: stream.reset is not None, 1.0)
    assert stream.reset in {None, NO_ERROR}
    client.send(data(number, b"last", ended=True))
    other = proxy.route(origin(HELLO)).encode()
    assert client.wait_for(client.request(authority=other)).status == 200


@pytest.mark.parametrize("how", ["reset", "closed"])
@pytest.mark.parametrize("sends", [False, True], ids=["waiting", "during an upload"])
def test_a_client_that_leaves_ends_the_servers_work(
    proxy: Proxy, origin: Start, how: str, sends: bool
) -> None:
    ended: list[bytes] = []

    def handler(connection: Connection) -> None:
        while (request := connection.read_head()) is not None:
            if request.target == "/well":
                connection.send(HELLO)
                continue
            try:
                while piece := connection.receive():
                    ended.append(piece)
            except ConnectionResetError:
                ended.append(b"reset")
            ended.append(b"over")
            return

    seen = origin(handler)
    host = proxy.route(seen).encode()
    with Client(proxy.web) as client:
        client.start()
        number = client.next_stream()
        client.send(headers(number, head(b"/", b"POST" if sends else b"GET", host), ended=not sends))
        if sends:
            client.send(data(number, b"half"))
        seen.wait_for_requests(1)
        if how == "reset":
            client.send(frames.rst_stream(number))
            assert client.wait_for(client.request(b"/well", authority=host)).status == 200
        else:
            client.socket.close()
        until(lambda: b"over" in ended, "the end of the server's connection")
    # An end of chunks would make it a whole request.
    assert b"0\r\n\r\n" not in b"".join(ended)


def test_an_upload_stops_for_a_slow_server_and_resumes(proxy: Proxy, client: Client, origin: Start) -> None:
    goes_on = Event()
    size = 64 << 20

    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request
        goes_on.wait(60)
        connection.read_body(request)
        connection.send(http_response(str(len(request.body)).encode()))

    host = proxy.route(origin(handler)).encode()
    number = client.next_stream()
    fields = [(b"content-length", str(size).encode())]
    client.send(headers(number, head(b"/", b"POST", host, fields=fields), ended=False))
    sent = 0
    while client.wait(lambda: client.window(number) >= 16_384, 1.0):
        client.windows[0] -= 16_384
        client.windows[number] -= 16_384
        client.send(data(number, bytes(16_384)))
        sent += 16_384
        assert sent < size // 2, "the proxy takes what the server does not"
    goes_on.set()
    client.send_content(number, bytes(size - sent))
    assert client.wait_for(number, 60).content == str(size).encode()


def test_streams_above_the_limit_reach_no_server(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target == "/hold":
                connection.receive()
                return
            connection.send(HELLO)

    seen = origin(handler)
    host = proxy.route(seen).encode()
    limit = client.settings[frames.MAX_CONCURRENT_STREAMS]
    held = [client.request(b"/hold", authority=host) for _ in range(limit)]
    above = [client.request(b"/above", authority=host) for _ in range(20)]
    for number in above:
        stream = client.wait_for(number)
        assert stream.reset == frames.REFUSED_STREAM, client.told()
    client.send(frames.rst_stream(held[0]))
    assert client.wait_for(client.request(b"/well", authority=host)).status == 200
    assert "/above" not in {request.target for request in seen.requests}


def test_a_slow_stream_holds_up_no_other(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(http_response(bytes(1 << 20)))).encode()
    with Client(proxy.web, grants=False) as client:
        client.start((frames.INITIAL_WINDOW_SIZE, 10_000))
        client.send(frames.window_update(0, 1 << 24))
        slow = client.request(authority=host)
        assert client.wait(lambda: len(client.stream(slow).content) == 10_000)
        for _ in range(5):
            number = client.request(authority=host)
            client.send(frames.window_update(number, 1 << 21))
            assert len(client.wait_for(number).content) == 1 << 20
        assert len(client.stream(slow).content) == 10_000
        client.send(frames.window_update(slow, 1 << 21))
        assert len(client.wait_for(slow).content) == 1 << 20


def websocket(host: bytes, *fields: tuple[bytes, bytes]) -> bytes:
    return hpack.block(
        [
            (b":method", b"CONNECT"),
            (b":protocol", b"websocket"),
            (b":scheme", b"http"),
            (b":authority", host),
            (b":path", b"/chat"),
            (b"sec-websocket-version", b"13"),
            *fields,
        ]
    )


def test_websockets_by_extended_connect(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request
        assert request.method == "GET"
        assert (request.header("Upgrade") or "").lower() == "websocket"
        key = (request.header("Sec-WebSocket-Key") or "").encode()
        accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
        )
        while piece := connection.receive():
            connection.send(piece.upper())

    host = proxy.route(origin(handler)).encode()
    assert client.settings.get(frames.ENABLE_CONNECT_PROTOCOL) == 1
    number = client.next_stream()
    client.send(headers(number, websocket(host, (b"sec-websocket-protocol", b"chat")), ended=False))
    stream = client.stream(number)
    assert client.wait(lambda: stream.heads), client.told()
    assert stream.status == 200
    assert stream.final[b"sec-websocket-protocol"] == b"chat"
    assert not {b"sec-websocket-accept", b"upgrade", b"connection"} & stream.final.keys()
    client.send(data(number, b"hello"))
    assert client.wait(lambda: stream.content == b"HELLO")
    client.send(data(number, b"", ended=True))
    assert client.wait_for(number).ended


def test_a_refused_upgrade_is_an_ordinary_response(proxy: Proxy, client: Client, origin: Start) -> None:
    host = proxy.route(origin(http_response(b"no", "403 Forbidden"))).encode()
    number = client.next_stream()
    client.send(headers(number, websocket(host), ended=False))
    stream = client.wait_for(number)
    assert (stream.status, stream.content) == (403, b"no")
