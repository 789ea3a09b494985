"""Random frames: a connection takes them, or ends with a fault of the peer; nothing else happens."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.request import Request
from proxy.http1.response import Response
from proxy.http2.client_connection import ClientConnection
from proxy.http2.connection import Connection
from proxy.http2.errors import ConnectionFault, StreamFault
from proxy.http2.output import CONTROL_LIMIT, OUTPUT_LIMIT
from proxy.http2.server_connection import ServerConnection
from proxy.http2.settings import LocalSettings
from proxy.http2.stream import Stream
from tests.lab.http2 import frames, hpack
from tests.lab.http2.client import head
from tests.lab.http2.server import response_head

BLOCKS = st.sampled_from(
    [
        head(),
        head(method=b"POST"),
        head(fields=[(b"content-length", b"3")]),
        head()[:9],
        head()[9:],
        response_head(),
        response_head(b"103"),
        response_head(b"200", (b"content-length", b"3")),
        hpack.block([(b"x-a", b"b")]),
        hpack.added(b"x-a", b"b") + hpack.indexed(62),
        hpack.table_size(0),
        b"",
    ]
)
NUMBERS = st.sampled_from([0, 1, 2, 3, 5, 16_384, 65_535, frames.LARGEST, 1 << 31, (1 << 32) - 1])
WORDS = NUMBERS.map(lambda number: number.to_bytes(4, "big"))
PAIRS = st.tuples(st.integers(0, 9), NUMBERS).map(
    lambda pair: pair[0].to_bytes(2, "big") + pair[1].to_bytes(4, "big")
)
PAYLOADS = st.one_of(
    BLOCKS,
    WORDS,
    st.lists(PAIRS, max_size=3).map(b"".join),
    st.just(bytes(8)),
    st.binary(max_size=40),
    st.sampled_from([b"abc", bytes(16_384), b"\x02abc\0\0"]),
    st.tuples(st.binary(min_size=1, max_size=6), BLOCKS).map(b"".join),
)
KINDS = st.sampled_from([*range(10), frames.HEADERS, frames.HEADERS, frames.DATA, frames.DATA, 0x77])
FLAGS = st.sampled_from([0, 1, 4, 5, 8, 0xC, 0x24, 0x2D, 0xFF])
STREAMS = st.sampled_from([0, 1, 1, 1, 2, 3, 3, 5, 7, frames.LARGEST])
FRAMES = st.builds(
    lambda kind, payload, flags, stream: frames.frame(kind, payload, flags=flags, stream=stream),
    KINDS,
    PAYLOADS,
    FLAGS,
    STREAMS,
)
VALID = st.sampled_from(
    [
        frames.headers(1, head()),
        frames.headers(1, head(method=b"POST"), ended=False),
        frames.headers(3, head(method=b"POST"), ended=False),
        frames.headers(1, response_head(), ended=False),
        frames.headers(3, response_head()),
        frames.data(1, b"abc"),
        frames.data(3, b"abc", ended=True),
        frames.settings((frames.INITIAL_WINDOW_SIZE, 0)),
        frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 20)),
        frames.settings((frames.HEADER_TABLE_SIZE, 0)),
        frames.window_update(0, 1 << 16),
        frames.window_update(1, 10),
        frames.rst_stream(1),
        frames.goaway(1),
    ]
)
ANY = st.lists(FRAMES | VALID, max_size=12)


class Eager:
    """An owner whose streams respond once their requests have ended."""

    def has_output(self) -> None: ...
    def settings_received(self) -> None: ...
    def peer_goes_away(self, last_stream_id: int, code: int) -> None: ...
    def ping_acknowledged(self, payload: bytes) -> None: ...
    def malformed_request(self, fault: StreamFault) -> None: ...

    def open_stream(self, stream: Stream, request: Request | RequestError, *, ended: bool) -> None:
        stream.receiver = responder = Responder()
        responder.stream = stream
        if ended:
            responder.ended(b"")


class Responder:
    """Sends a response of 100,000 bytes once the request has ended."""

    stream: Stream

    def __init__(self) -> None:
        self.rest = bytes(100_000)
        self.over = 0

    def head_received(self, response: Response, *, ended: bool) -> None:
        assert 100 <= response.status <= 999

    def content_received(self, data: bytes) -> None:
        assert not self.over
        if self.stream.id & 2:
            self.stream.consume(len(data))

    def ended(self, trailers: bytes) -> None:
        assert not self.over
        self.over += 1
        self.stream.send_head(b"HTTP/1.1 200 OK\r\nA: b")
        self.can_send()

    def was_reset(self, code: int) -> None:
        self.over += 1

    def can_send(self) -> None:
        self.rest = self.rest[self.stream.send(self.rest, ended=True) :]


class Sender(Responder):
    """Sends a request, as far as it can; nothing follows what comes back."""

    def ended(self, trailers: bytes) -> None:
        assert not self.over
        self.over += 1


def feed(connection: Connection, pieces: list[bytes], resume: Callable[[], None]) -> None:
    for piece in pieces:
        try:
            connection.receive(piece)
        except ConnectionFault:
            break
        assert connection.output.queued <= OUTPUT_LIMIT + CONTROL_LIMIT
        resume()
    connection.abort()
    assert connection.streams == {}
    assert not connection.output.waiting


@settings(max_examples=100)
@given(ANY, st.booleans())
def test_random_frames_of_a_client(given_frames: list[bytes], drains: bool) -> None:
    connection = ServerConnection(Eager(), LocalSettings(), Limits())

    def resume() -> None:
        if drains:
            connection.take_output()
            connection.resume()

    feed(connection, [frames.PREFACE + frames.settings(), *given_frames], resume)


@settings(max_examples=100)
@given(ANY, st.booleans())
def test_random_frames_of_a_server(given_frames: list[bytes], drains: bool) -> None:
    connection = ClientConnection(Eager(), LocalSettings(), b"http")
    for ended in (True, False):
        sender = Sender()
        sender.stream = connection.open_stream(sender, b"POST / HTTP/1.1\r\nHost: a", ended=ended)
        sender.can_send()

    def resume() -> None:
        if drains:
            connection.take_output()
            connection.resume()

    feed(connection, [frames.settings(), *given_frames], resume)
