"""Connections without I/O: the server's side against the client's side, and against single frames."""

from __future__ import annotations

import pytest

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.request import Request
from proxy.http1.response import Response
from proxy.http2.client_connection import ClientConnection
from proxy.http2.connection import Connection
from proxy.http2.errors import (
    CANCEL,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    NO_ERROR,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    ConnectionFault,
    StreamFault,
)
from proxy.http2.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    WITH_PRIORITY,
    frame,
    ping_frame,
    reset_frame,
    settings_frame,
    window_frame,
)
from proxy.http2.output import CONTROL_LIMIT, OUTPUT_LIMIT
from proxy.http2.receive_window import LARGEST_WINDOW
from proxy.http2.server_connection import ServerConnection
from proxy.http2.settings import DEFAULT_WINDOW, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, LocalSettings
from proxy.http2.stream import MAX_STREAM_WINDOW, Stream

OK = b"HTTP/1.1 200 OK\r\nA: b"
POST = b"POST /a HTTP/1.1\r\nHost: a.test"
# :method GET, :scheme http, :path /, :authority a
BLOCK = b"\x82\x86\x84\x01\x01a"


class Notes:
    """A receiver that notes what comes; it consumes content unless told otherwise."""

    def __init__(self) -> None:
        self.heads: list[tuple[int, bool]] = []
        self.content = bytearray()
        self.trailers: bytes | None = None
        self.code: int | None = None
        self.wakes = 0
        self.stream: Stream | None = None

    def head_received(self, response: Response, *, ended: bool) -> None:
        self.heads.append((response.status, ended))
        if ended:
            self.trailers = b""

    def content_received(self, data: bytes) -> None:
        self.content += data
        if self.stream is not None:
            self.stream.consume(len(data))

    def ended(self, trailers: bytes) -> None:
        self.trailers = trailers

    def was_reset(self, code: int) -> None:
        self.code = code

    def can_send(self) -> None:
        self.wakes += 1


class Client:
    """The owner of a connection to a server."""

    def __init__(self) -> None:
        self.goes_away: list[tuple[int, int]] = []
        self.pings: list[bytes] = []
        self.connection = ClientConnection(self, LocalSettings(), b"http")

    def has_output(self) -> None: ...

    def settings_received(self) -> None: ...

    def peer_goes_away(self, last_stream_id: int, code: int) -> None:
        self.goes_away.append((last_stream_id, code))

    def ping_acknowledged(self, payload: bytes) -> None:
        self.pings.append(payload)

    def open(self, head: bytes = POST, *, ended: bool = False, is_head: bool = False) -> tuple[Stream, Notes]:
        notes = Notes()
        stream = self.connection.open_stream(notes, head, ended=ended, is_head=is_head)
        notes.stream = stream
        return stream, notes


class Server(Client):
    """The owner of a connection with a client."""

    def __init__(self, settings: LocalSettings | None = None) -> None:
        self.requests: list[tuple[Request | RequestError, Stream, Notes]] = []
        self.malformed: list[StreamFault] = []
        self.goes_away = []
        self.pings = []
        self.server = ServerConnection(self, settings or LocalSettings(), Limits())

    def open_stream(self, stream: Stream, request: Request | RequestError, *, ended: bool) -> None:
        notes = Notes()
        stream.receiver = notes
        notes.stream = stream
        if ended:
            notes.trailers = b""
        self.requests.append((request, stream, notes))

    def malformed_request(self, fault: StreamFault) -> None:
        self.malformed.append(fault)


def exchange(*connections: Connection) -> None:
    """Carry bytes between two connections until neither has any."""
    one, other = connections
    while one.output.queued or other.output.queued:
        other.receive(one.take_output())
        one.resume()
        one.receive(other.take_output())
        other.resume()


def pair(settings: LocalSettings | None = None) -> tuple[Client, Server]:
    client, server = Client(), Server(settings)
    exchange(client.connection, server.server)
    return client, server


def raw() -> Server:
    """Return a server whose client has sent the preface and its settings."""
    server = Server()
    server.server.receive(PREFACE + settings_frame([]))
    server.server.take_output()
    return server


def test_a_request_and_its_response_with_trailers_both_ways() -> None:
    client, server = pair()
    sent, notes = client.open()
    assert sent.send(b"abc") == 3
    sent.send_trailers(b"x: y\r\n")
    exchange(client.connection, server.server)
    request, stream, received = server.requests[0]
    assert isinstance(request, Request)
    assert (request.target, request.chunked) == (b"/a", True)
    assert (received.content, received.trailers) == (b"abc", b"x: y\r\n")
    stream.send_head(b"HTTP/1.1 103 Early Hints\r\nLink: x")
    stream.send_head(OK)
    stream.send(b"de")
    stream.send_trailers(b"Grpc-Status: 0\r\n")
    exchange(client.connection, server.server)
    assert notes.heads == [(103, False), (200, False)]
    assert (notes.content, notes.trailers, notes.code) == (b"de", b"grpc-status: 0\r\n", None)
    assert not client.connection.streams
    assert not server.server.streams
    assert stream.closed
    assert stream.reset_code is None


def test_a_response_to_head_has_a_length_and_no_content() -> None:
    client, server = pair()
    _, notes = client.open(b"HEAD / HTTP/1.1\r\nHost: a", ended=True, is_head=True)
    exchange(client.connection, server.server)
    server.requests[0][1].send_head(OK + b"\r\nContent-Length: 5", ended=True)
    exchange(client.connection, server.server)
    assert (notes.heads, notes.trailers, notes.code) == ([(200, True)], b"", None)


@pytest.mark.parametrize(
    ("content", "ended"), [(b"abcd", False), (b"ab", True), (b"", True)], ids=["more", "less", "none"]
)
def test_content_that_contradicts_its_length_resets_the_stream(content: bytes, ended: bool) -> None:
    client, server = pair()
    sent, notes = client.open(POST + b"\r\nContent-Length: 3")
    sent.send(content, ended=ended)
    exchange(client.connection, server.server)
    assert server.requests[0][2].code == PROTOCOL_ERROR
    assert notes.code == PROTOCOL_ERROR


def test_a_large_upload_flows_as_it_is_consumed() -> None:
    client, server = pair()
    sent, notes = client.open()
    exchange(client.connection, server.server)
    _, stream, received = server.requests[0]
    received.stream = None
    data = bytes(range(256)) * 16384
    position = sent.send(data)
    exchange(client.connection, server.server)
    assert len(received.content) == DEFAULT_WINDOW
    while position < len(data):
        stream.consume(32768)
        exchange(client.connection, server.server)
        position += sent.send(data[position:])
        exchange(client.connection, server.server)
    assert received.content == data
    assert notes.wakes > 0


def test_a_window_grows_by_use_and_its_growth_is_given_back() -> None:
    client, server = pair()
    sent, _ = client.open()
    left = 8 << 20
    while left:
        taken = sent.send(b"x" * min(left, 1 << 16), ended=left <= 1 << 16)
        left -= taken
        exchange(client.connection, server.server)
    stream = server.requests[0][1]
    assert stream.receive_window > DEFAULT_WINDOW
    assert stream.receive_window <= MAX_STREAM_WINDOW
    stream.send_head(OK, ended=True)
    assert server.server.receive_window.take_growth(1 << 30) == server.server.receive_window.limit // 2


def test_streams_that_wait_for_the_connection_go_on_in_turn() -> None:
    client, server = pair()
    opened = [client.open(ended=True) for _ in range(3)]
    exchange(client.connection, server.server)
    streams = [stream for _, stream, _ in server.requests]
    server.server.output.window = 1000
    for stream in streams:
        stream.send_head(OK)
        stream.send(b"x" * 900)
    assert [notes.wakes for _, _, notes in server.requests] == [0, 0, 0]
    server.server.receive(window_frame(0, 1))
    assert [notes.wakes for _, _, notes in server.requests] == [0, 1, 0]
    assert streams[1].send(b"x" * 900) == 1
    server.server.receive(window_frame(0, 40000))
    assert [notes.wakes for _, _, notes in server.requests] == [0, 2, 1]
    assert opened[0][1].code is None


def test_output_is_bounded_and_goes_on_once_it_has_left() -> None:
    client, server = pair()
    client.open(ended=True)
    exchange(client.connection, server.server)
    _, stream, notes = server.requests[0]
    server.server.output.window = stream.send_window = 1 << 20
    stream.send_head(OK)
    sent = stream.send(b"x" * (1 << 19))
    assert sent <= OUTPUT_LIMIT
    assert stream.send(b"x") == 0
    server.server.take_output()
    server.server.resume()
    assert notes.wakes == 1


def test_a_smaller_initial_window_makes_windows_negative() -> None:
    server = raw()
    server.server.receive(frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK))
    stream = server.requests[0][1]
    stream.send_head(OK)
    assert stream.send(b"x" * 60000) == 60000
    server.server.receive(settings_frame([(INITIAL_WINDOW_SIZE, 0)]))
    assert stream.send_window == -60000
    assert stream.send(b"x") == 0
    assert stream.send(b"", ended=True) == 0


def test_frames_are_as_large_as_the_peer_allows() -> None:
    server = raw()
    server.server.receive(settings_frame([(MAX_FRAME_SIZE, 20000)]))
    server.server.take_output()
    server.server.receive(frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK))
    stream = server.requests[0][1]
    stream.send_head(OK + b"\r\nB: " + b"\xff" * 20000)
    stream.send(b"x" * 30000)
    output = server.server.take_output()
    kinds = []
    position = 0
    while position < len(output):
        length = int.from_bytes(output[position : position + 3], "big")
        kinds.append((output[position + 3], length <= 20000))
        position += 9 + length
    assert kinds == [(HEADERS, True)] + [(CONTINUATION, True)] * (len(kinds) - 3) + [(DATA, True)] * 2
    assert len(kinds) > 3


def test_streams_above_the_limit_are_refused_and_their_heads_still_count() -> None:
    client, server = pair(LocalSettings(streams=1))
    client.open(ended=True)
    _, refused = client.open(b"GET / HTTP/1.1\r\nHost: a\r\nX-New: field", ended=True)
    exchange(client.connection, server.server)
    assert refused.code == REFUSED_STREAM
    server.requests[0][1].send_head(OK, ended=True)
    exchange(client.connection, server.server)
    client.open(b"GET / HTTP/1.1\r\nHost: a\r\nX-New: field", ended=True)
    exchange(client.connection, server.server)
    request = server.requests[1][0]
    assert isinstance(request, Request)
    assert b"x-new: field" in request.headers


def test_an_early_response_ends_the_upload_and_the_connection_goes_on() -> None:
    client, server = pair()
    sent, notes = client.open()
    sent.send(b"x")
    exchange(client.connection, server.server)
    stream = server.requests[0][1]
    stream.send_head(OK, ended=True)
    stream.reset(NO_ERROR)
    sent.send(b"y")
    exchange(client.connection, server.server)
    assert (notes.heads, notes.code) == ([(200, True)], NO_ERROR)
    _, again = client.open(ended=True)
    exchange(client.connection, server.server)
    server.requests[1][1].send_head(OK, ended=True)
    exchange(client.connection, server.server)
    assert again.heads == [(200, True)]


def test_a_refused_request_that_is_repeated_has_an_error_of_its_own() -> None:
    """An exception that is raised again and again would keep the frames of each raise."""
    server = raw()
    # :path is "x", which is no path, in a block that leaves the table as it is.
    block = b"\x82\x86\x04\x01x\x01\x01a"
    for number in (1, 3):
        server.server.receive(frame(HEADERS, END_HEADERS | END_STREAM, number, block))
    first, second = (request for request, _, _ in server.requests)
    assert isinstance(first, RequestError)
    assert isinstance(second, RequestError)
    assert (first.status, first.reason) == (second.status, second.reason)
    assert first is not second


def test_a_stream_that_depends_on_itself_is_never_opened_after_its_reset() -> None:
    server = raw()
    priority = b"\0\0\0\1\0"
    with pytest.raises(ConnectionFault):
        server.server.receive(frame(HEADERS, WITH_PRIORITY, 1, priority + BLOCK[:3]))
    server = raw()
    server.server.receive(frame(HEADERS, WITH_PRIORITY | END_HEADERS, 1, priority + BLOCK))
    assert server.requests[0][2].code == PROTOCOL_ERROR


def test_what_comes_on_a_stream_after_its_reset_is_ignored() -> None:
    server = raw()
    server.server.receive(frame(HEADERS, END_HEADERS, 1, BLOCK))
    server.requests[0][1].reset(CANCEL)
    server.server.receive(frame(DATA, 0, 1, b"x") + frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82"))
    server.server.receive(window_frame(1, 5) + reset_frame(1, CANCEL))
    server.server.receive(frame(HEADERS, END_HEADERS | END_STREAM, 3, BLOCK))
    assert len(server.requests) == 2


def test_the_connections_window_is_given_back_whatever_streams_do() -> None:
    server = raw()
    server.server.receive(frame(HEADERS, END_HEADERS, 1, BLOCK))
    server.requests[0][1].reset(CANCEL)
    for _ in range(LARGEST_WINDOW // 16384 * 2):
        server.server.receive(frame(DATA, 0, 1, bytes(16384)))


def test_more_content_than_a_window_allows() -> None:
    server = raw()
    server.server.receive(frame(HEADERS, END_HEADERS, 1, BLOCK))
    server.requests[0][2].stream = None
    for _ in range(4):
        server.server.receive(frame(DATA, 0, 1, bytes(16384)))
    assert server.requests[0][2].code == FLOW_CONTROL_ERROR


def test_the_end_of_a_connection_is_announced_before_it_comes() -> None:
    client, server = pair()
    client.open(ended=True)
    server.server.announce_end()
    exchange(client.connection, server.server)
    _, late = client.open(ended=True)
    exchange(client.connection, server.server)
    server.server.go_away()
    exchange(client.connection, server.server)
    assert client.goes_away == [(0x7FFFFFFF, NO_ERROR), (3, NO_ERROR)]
    _, ignored = client.open(ended=True)
    client.connection.refuse_above(3)
    exchange(client.connection, server.server)
    assert (late.code, ignored.code) == (None, REFUSED_STREAM)
    assert len(server.requests) == 2
    assert not server.malformed


def test_the_end_of_a_connection_ends_its_streams() -> None:
    client, _ = pair()
    _, notes = client.open()
    client.connection.abort()
    assert notes.code == CANCEL
    assert not client.connection.streams


def test_pings() -> None:
    client, server = pair()
    client.connection.ping(b"12345678")
    exchange(client.connection, server.server)
    assert client.pings == [b"12345678"]


FLOODS = {
    "ping": ping_frame(b"12345678"),
    "settings": settings_frame([(INITIAL_WINDOW_SIZE, 1)]),
    "empty data": frame(DATA, 0, 1),
    "priority": frame(2, 0, 1, b"\0\0\0\3\1"),
    "window": window_frame(1, 1),
    "unknown": frame(77, 0, 0),
    "reset of nothing": reset_frame(1, CANCEL),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_floods_end_the_connection(flood: bytes) -> None:
    server = raw()
    server.server.receive(frame(HEADERS, END_HEADERS, 1, BLOCK))
    with pytest.raises(ConnectionFault) as fault:
        for _ in range(100):
            server.server.receive(flood * 100)
            server.server.take_output()
    assert fault.value.code == ENHANCE_YOUR_CALM


def test_updates_for_every_few_kilobytes_of_a_long_upload_are_no_flood() -> None:
    client, _ = pair()
    connection = client.connection
    stream, _ = client.open()
    connection.take_output()
    for _ in range(1000):
        assert stream.send(bytes(65535)) == 65535
        connection.take_output()
        updates = b"".join(window_frame(each, 4096) for each in (0, stream.id))
        connection.receive(updates * 15 + window_frame(0, 4095) + window_frame(stream.id, 4095))


def test_updates_for_what_was_on_its_way_are_no_flood() -> None:
    client, _ = pair()
    connection = client.connection
    connection.receive(settings_frame([(INITIAL_WINDOW_SIZE, 1 << 24)]) + window_frame(0, 1 << 24))
    stream, _ = client.open()
    for _ in range(160):
        assert stream.send(bytes(65535)) == 65535
        connection.take_output()
    connection.receive(b"".join(window_frame(each, 4096) for each in (0, stream.id)) * 2500)


def test_a_server_may_refuse_any_number_of_streams() -> None:
    client, _ = pair()
    for _ in range(3000):
        stream, _ = client.open()
        client.connection.take_output()
        client.connection.receive(reset_frame(stream.id, REFUSED_STREAM))
    client.connection.receive(ping_frame(b"12345678"))


def test_rapid_reset_ends_the_connection() -> None:
    server = raw()
    with pytest.raises(ConnectionFault) as fault:
        for number in range(1, 2001, 2):
            server.server.receive(frame(HEADERS, END_HEADERS, number, BLOCK) + reset_frame(number, CANCEL))
    assert fault.value.code == ENHANCE_YOUR_CALM
    assert 100 < len(server.requests) < 500


def test_an_endless_header_block_ends_the_connection() -> None:
    server = raw()
    server.server.receive(frame(HEADERS, 0, 1, BLOCK))
    with pytest.raises(ConnectionFault) as fault:
        for _ in range(100):
            server.server.receive(frame(CONTINUATION, 0, 1, b"\x00" * 16384))
    assert fault.value.code == ENHANCE_YOUR_CALM


def test_a_peer_that_reads_nothing_is_cut_off() -> None:
    server = raw()
    with pytest.raises(ConnectionFault):
        for number in range(1, 200001, 2):
            server.server.receive(frame(HEADERS, END_HEADERS | END_STREAM, number, BLOCK))
            server.requests[-1][1].send_head(OK + b"\r\nB: " + b"x" * 8000, ended=True)
    assert server.server.output.queued < 2 * CONTROL_LIMIT


def test_bytes_may_come_one_by_one() -> None:
    client = Client()
    client.open(ended=True)
    server = Server()
    data = client.connection.take_output()
    for position in range(len(data)):
        server.server.receive(data[position : position + 1])
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", PREFACE[:-1] + b"x", b"PRI * HTTP/2.0\r\n\r\nXX"]
)
def test_another_preface_is_refused(data: bytes) -> None:
    with pytest.raises(ConnectionFault) as fault:
        Server().server.receive(data)
    assert fault.value.code == PROTOCOL_ERROR
