"""Random exchanges between Rondpoint's side of a connection and another library's, in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import hpack
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes, Settings
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits
from proxy.http1.request import Request
from proxy.http1.response import Response
from proxy.http2.client_connection import ClientConnection
from proxy.http2.connection import Connection
from proxy.http2.header_blocks import HeadDecoder, HeadEncoder
from proxy.http2.response_head import response_fields
from proxy.http2.server_connection import ServerConnection
from proxy.http2.settings import LocalSettings
from proxy.http2.stream import Stream
from proxy.http2.trailers import trailer_lines

Pair = tuple[bytes, bytes]

NAMES = st.sampled_from(
    [b"x-a", b"x-b", b"etag", b"server", b"accept", b"content-type", b"set-cookie", b"vary"]
)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40).map(str.encode)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
SIZES = st.sampled_from([0, 1, 50, 100, 4096, 4097])


class Silent:
    """An owner or receiver that takes note of nothing."""

    def has_output(self) -> None: ...
    def settings_received(self) -> None: ...
    def peer_goes_away(self, last_stream_id: int, code: int) -> None: ...
    def ping_acknowledged(self, payload: bytes) -> None: ...
    def malformed_request(self, fault: object) -> None:
        raise AssertionError(fault)


@settings(max_examples=40)
@given(st.lists(st.tuples(SIZES, FIELDS), min_size=1, max_size=12))
def test_another_decoder_reads_our_header_blocks(steps: list[tuple[int, list[Pair]]]) -> None:
    encoder, decoder = HeadEncoder(response_fields, 4096), hpack.Decoder()
    for size, fields in steps:
        decoder.max_allowed_table_size = size
        encoder.resize(size)
        head = b"HTTP/1.1 200 OK" + b"".join(b"\r\n%b: %b" % pair for pair in fields)
        for _ in range(3):
            found = [
                (bytes(name), bytes(value)) for name, value in decoder.decode(encoder.encode(head), raw=True)
            ]
            assert found == [(b":status", b"200"), *fields]


@settings(max_examples=40)
@given(st.lists(st.tuples(SIZES, FIELDS, st.booleans()), min_size=1, max_size=12))
def test_we_read_another_encoders_header_blocks(steps: list[tuple[int, list[Pair], bool]]) -> None:
    encoder = hpack.Encoder()
    decoder: HeadDecoder[list[Pair]] = HeadDecoder(
        lambda fields: [(bytes(name), bytes(value)) for name, value, _ in fields],
        trailer_lines,
        1 << 20,
        4097,
    )
    decoder.settings_acknowledged()
    for size, fields, huffman in steps:
        encoder.header_table_size = size
        for _ in range(3):
            assert decoder.decode(encoder.encode(fields, huffman=huffman)) == fields


@dataclass(frozen=True, slots=True)
class Message:
    """A request and its response: sizes of the pieces of their content, whether trailers follow."""

    request: tuple[int, ...]
    response: tuple[int, ...]
    request_trailers: bool
    response_trailers: bool
    fields: tuple[Pair, ...]


def content(sizes: Sequence[int], seed: int) -> bytes:
    return b"".join(bytes([97 + (seed + number) % 26]) * size for number, size in enumerate(sizes))


def scaled(messages: list[Message], window: int) -> list[Message]:
    """Return the messages with pieces that are no longer than some windows."""

    def shorter(sizes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(min(size, TURNS * window) for size in sizes)

    return [
        replace(message, request=shorter(message.request), response=shorter(message.response))
        for message in messages
    ]


def lines_of(message: Message) -> bytes:
    return b"".join(b"\r\n%b: %b" % pair for pair in message.fields)


PIECES = st.lists(st.sampled_from([0, 1, 7, 1000, 16_384, 16_385, 70_000]), max_size=4).map(tuple)
MESSAGES = st.lists(
    st.builds(Message, PIECES, PIECES, st.booleans(), st.booleans(), FIELDS.map(tuple)),
    min_size=1,
    max_size=5,
)
WINDOWS = st.sampled_from([1, 40, 16_384, 65_535, 1 << 20])
FRAMES = st.sampled_from([16_384, 20_000, 1 << 20])
CUTS = st.lists(st.integers(1, 40_000), min_size=1, max_size=6)
TURNS = 20
"""Windows that a piece of content may take, so that small windows do not take long."""
TRAILERS = ((b"x-sum", b"1"), (b"x-end", b"2"))
TRAILER_LINES = b"x-sum: 1\r\nx-end: 2\r\n"


@dataclass
class Ours:
    """A stream of our side: what came, and what is still to be sent."""

    rest: bytes = b""
    trailers_to_send: bytes | None = None
    head: Request | Response | None = None
    got: bytearray = field(default_factory=bytearray)
    trailers: bytes | None = None
    unconsumed: int = 0
    stream: Stream = field(init=False)

    def head_received(self, response: Response, *, ended: bool) -> None:
        self.head = response
        if ended:
            self.trailers = b""

    def content_received(self, data: bytes) -> None:
        self.got += data
        self.unconsumed += len(data)

    def ended(self, trailers: bytes) -> None:
        self.trailers = trailers

    def was_reset(self, code: int) -> None:
        raise AssertionError(code)

    def can_send(self) -> None:
        """Send the rest, as far as that is possible."""
        ended = self.trailers_to_send is None
        self.rest = self.rest[self.stream.send(self.rest, ended=ended) :]
        if not self.rest and self.trailers_to_send is not None:
            self.stream.send_trailers(self.trailers_to_send)

    def consume(self) -> None:
        if self.unconsumed:
            self.stream.consume(self.unconsumed)
            self.unconsumed = 0


@dataclass
class Theirs:
    """A stream of the other side."""

    rest: bytes
    trailers_to_send: tuple[Pair, ...] | None
    over: bool = False  # everything was sent
    head: list[Pair] = field(default_factory=list)
    got: bytearray = field(default_factory=bytearray)
    trailers: list[Pair] = field(default_factory=list)
    ended: bool = False


class Library:
    """The other side."""

    def __init__(self, messages: list[Message], *, is_client: bool, window: int, frame_size: int) -> None:
        self.messages = messages
        self.connection = H2Connection(H2Configuration(client_side=is_client, header_encoding=None))
        self.connection.local_settings = Settings(
            client=is_client,
            initial_values={
                SettingCodes.INITIAL_WINDOW_SIZE: window,
                SettingCodes.MAX_FRAME_SIZE: frame_size,
                SettingCodes.MAX_CONCURRENT_STREAMS: 100,
            },
        )
        self.connection.max_inbound_frame_size = frame_size
        self.connection.initiate_connection()
        self.streams: dict[int, Theirs] = {}

    def receive(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            assert not isinstance(event, StreamReset), event
            if isinstance(event, RequestReceived):
                self._respond(event)
            stream = self.streams.get(getattr(event, "stream_id", 0) or 0)
            if stream is None:
                continue
            if isinstance(event, ResponseReceived):
                stream.head = [(bytes(name), bytes(value)) for name, value in event.headers]
            elif isinstance(event, DataReceived):
                stream.got += event.data
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, TrailersReceived):
                stream.trailers = [(bytes(name), bytes(value)) for name, value in event.headers]
            elif isinstance(event, StreamEnded):
                stream.ended = True

    def request(self, number: int, message: Message) -> None:
        stream = self.connection.get_next_available_stream_id()
        pseudo = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":authority", b"any.test"),
            (b":path", b"/%d" % number),
        ]
        self.connection.send_headers(stream, [*pseudo, *message.fields])
        self.streams[stream] = Theirs(
            content(message.request, number), TRAILERS if message.request_trailers else None
        )

    def _respond(self, event: RequestReceived) -> None:
        """Respond at once: the response may come before the end of the request."""
        head = [(bytes(name), bytes(value)) for name, value in event.headers]
        number = int(dict(head)[b":path"][1:])
        message = self.messages[number]
        self.connection.send_headers(event.stream_id, [(b":status", b"103"), (b"link", b"</a>")])
        self.connection.send_headers(event.stream_id, [(b":status", b"200"), *message.fields])
        self.streams[event.stream_id] = Theirs(
            content(message.response, number), TRAILERS if message.response_trailers else None, head=head
        )

    def send(self) -> bytes:
        """Send content as far as the windows allow, and return all bytes."""
        for number, stream in self.streams.items():
            while not stream.over:
                room = min(
                    self.connection.local_flow_control_window(number), self.connection.max_outbound_frame_size
                )
                piece, stream.rest = stream.rest[: max(room, 0)], stream.rest[max(room, 0) :]
                if stream.rest and not piece:
                    break
                if not stream.rest:
                    stream.over = True
                    self.connection.send_data(number, piece, end_stream=stream.trailers_to_send is None)
                    if stream.trailers_to_send is not None:
                        self.connection.send_headers(number, list(stream.trailers_to_send), end_stream=True)
                else:
                    self.connection.send_data(number, piece)
        return bytes(self.connection.data_to_send())


def deliver(data: bytes, cuts: list[int], take: Callable[[bytes], None]) -> None:
    """Deliver bytes in pieces of these sizes, in turn."""
    start = number = 0
    while start < len(data):
        size = cuts[number % len(cuts)]
        take(data[start : start + size])
        start += size
        number += 1


def run(ours: Connection, streams: dict[int, Ours], library: Library, cuts: list[int]) -> None:
    """Carry bytes between both sides until neither has any."""
    while True:
        out = ours.take_output()
        deliver(out, cuts, library.receive)
        ours.resume()
        back = library.send()
        deliver(back, cuts, ours.receive)
        for stream in list(streams.values()):
            stream.consume()
        if not out and not back and not ours.output.queued:
            return


class Server(Silent):
    """Our side as a server that answers each request once it has ended."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        self.streams: dict[int, Ours] = {}
        self.connection = ServerConnection(self, LocalSettings(), Limits())

    def open_stream(self, stream: Stream, request: Request | RequestError, *, ended: bool) -> None:
        assert isinstance(request, Request)
        number = int(request.target[1:])
        message = self.messages[number]
        record = self.streams[stream.id] = Ours(head=request)
        record.stream, stream.receiver = stream, record
        record.rest = content(message.response, number)
        record.trailers_to_send = TRAILER_LINES if message.response_trailers else None
        if ended:
            record.trailers = b""
        # The response may come before the end of the request.
        stream.send_head(b"HTTP/1.1 200 OK" + lines_of(message))
        record.can_send()


@settings(max_examples=40)
@given(MESSAGES, WINDOWS, FRAMES, CUTS)
def test_exchanges_with_another_client(
    messages: list[Message], window: int, frame_size: int, cuts: list[int]
) -> None:
    messages = scaled(messages, window)
    server = Server(messages)
    client = Library(messages, is_client=True, window=window, frame_size=frame_size)
    for number, message in enumerate(messages):
        client.request(number, message)
    deliver(client.connection.data_to_send(), cuts, server.connection.receive)
    run(server.connection, server.streams, client, cuts)
    for (theirs, ours), (number, message) in zip(
        zip(client.streams.values(), server.streams.values(), strict=True), enumerate(messages), strict=True
    ):
        assert (theirs.head, theirs.ended) == ([(b":status", b"200"), *message.fields], True)
        assert theirs.got == content(message.response, number)
        assert theirs.trailers == (list(TRAILERS) if message.response_trailers else [])
        assert ours.got == content(message.request, number)
        assert ours.trailers == (TRAILER_LINES if message.request_trailers else b"")
        assert isinstance(ours.head, Request)
        assert ours.head.headers == b"\r\nHost: any.test" + lines_of(message)
    assert server.connection.streams == {}


@settings(max_examples=40)
@given(MESSAGES, WINDOWS, FRAMES, CUTS)
def test_exchanges_with_another_server(
    messages: list[Message], window: int, frame_size: int, cuts: list[int]
) -> None:
    messages = scaled(messages, window)
    server = Library(messages, is_client=False, window=window, frame_size=frame_size)
    client = ClientConnection(Silent(), LocalSettings(), b"http")
    # The library counts its window from the start, where a client cannot know it.
    deliver(server.send(), cuts, client.receive)
    streams: dict[int, Ours] = {}
    for number, message in enumerate(messages):
        record = Ours(content(message.request, number), TRAILER_LINES if message.request_trailers else None)
        line = b"POST /%d HTTP/1.1\r\nHost: any.test" % number
        record.stream = client.open_stream(record, line + lines_of(message), ended=False)
        streams[record.stream.id] = record
    for record in streams.values():
        record.can_send()
    run(client, streams, server, cuts)
    for (ours, theirs), (number, message) in zip(
        zip(streams.values(), server.streams.values(), strict=True), enumerate(messages), strict=True
    ):
        assert isinstance(ours.head, Response)
        assert ours.head.head == b"HTTP/1.1 200 OK" + lines_of(message)
        assert ours.got == content(message.response, number)
        assert ours.trailers == (TRAILER_LINES if message.response_trailers else b"")
        assert theirs.head[4:] == list(message.fields)
        assert (theirs.got, theirs.ended) == (content(message.request, number), True)
        assert theirs.trailers == (list(TRAILERS) if message.request_trailers else [])
    assert client.streams == {}
