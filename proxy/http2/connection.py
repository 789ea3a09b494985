"""One side of an HTTP/2 connection without I/O (RFC 9113): takes received bytes, collects bytes to send."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol

from proxy.http2.activity import FRAME_COST, RESET_COST, SETTINGS_COST, Activity
from proxy.http2.errors import (
    CANCEL,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    NO_ERROR,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    ConnectionFault,
    StreamFault,
)
from proxy.http2.frames import (
    ACK,
    CONTINUATION,
    DEFAULT_FRAME_SIZE,
    END_HEADERS,
    END_STREAM,
    HEADER,
    HEADER_SIZE,
    MAX_STREAM_ID,
    SETTINGS,
    SETTINGS_ACK,
    WITH_PRIORITY,
    go_away_frame,
    headers_frames,
    long_of,
    parse_settings,
    ping_frame,
    reset_frame,
    window_frame,
    without_padding,
)
from proxy.http2.header_blocks import Head
from proxy.http2.settings import DEFAULT_WINDOW, INITIAL_WINDOW_SIZE, MAX_WINDOW, LocalSettings, PeerSettings

if TYPE_CHECKING:
    from proxy.http2.header_blocks import HeadDecoder, HeadEncoder
    from proxy.http2.stream import Stream

CONNECTION_WINDOW = 1 << 20
"""Bytes that may be on their way to this side. Streams' own windows bound what stays in memory."""
GROWTH_LIMIT = 4 << 20
"""Bytes by which all streams' receive windows together may grow beyond the default."""
OUTPUT_LIMIT = 1 << 17
"""Bytes of content that wait to be sent. Beyond them, streams wait."""
CONTROL_LIMIT = 1 << 20
"""Bytes to be sent, content included, beyond which a peer that reads nothing is cut off."""
_REMEMBERED_RESETS = 1000


class Owner(Protocol):
    """The object that has the connection's socket. The calls must not wait."""

    def has_output(self) -> None:
        """Note that there are bytes to send, after there were none."""

    def settings_received(self) -> None:
        """Note that the peer's settings are known, or have changed."""

    def peer_goes_away(self, last_stream_id: int, code: int) -> None:
        """Note a GOAWAY: the peer handles no streams of this side above this one."""

    def ping_acknowledged(self, payload: bytes) -> None:
        """Note that the peer has responded to a PING."""


class Connection(Generic[Head]):
    """What both roles share; `ServerConnection` and `ClientConnection` say who begins streams.

    `streams` are the open ones by id, `waiting` those that could not send all, in order. `queued` counts the
    bytes to send.
    """

    def __init__(
        self, owner: Owner, settings: LocalSettings, encoder: HeadEncoder, decoder: HeadDecoder[Head]
    ) -> None:
        self.owner = owner
        self.settings = settings
        self.peer = PeerSettings()
        self.encoder = encoder
        self._decoder = decoder
        self.streams: dict[int, Stream] = {}
        self.waiting: OrderedDict[Stream, None] = OrderedDict()
        self.activity = Activity()
        self.send_window = DEFAULT_WINDOW
        self.queued = 0
        self.last_peer_stream = 0
        self._output: list[bytes] = []
        self._rest = b""
        self._receive_window = CONNECTION_WINDOW
        self._growth_left = GROWTH_LIMIT
        self._resets: OrderedDict[int, None] = OrderedDict()
        # The header block that CONTINUATION frames may extend: its stream, flags and bytes.
        self._block: tuple[int, int, bytearray] | None = None
        # The last stream that this side has promised to handle in a GOAWAY.
        self._goes_away_after = MAX_STREAM_ID
        self._frames = (
            self._data,
            self._headers,
            self._priority,
            self._rst_stream,
            self._settings,
            self._push_promise,
            self._ping,
            self._goaway,
            self._window_update,
            self._continuation,
        )

    @property
    def is_within_message(self) -> bool:
        """Whether a frame or a header block has begun and not ended."""
        return bool(self._rest) or self._block is not None

    # What leaves

    @property
    def space(self) -> int:
        """The bytes of content that may be queued now."""
        return OUTPUT_LIMIT - self.queued

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        if not self._output:
            self.owner.has_output()
        self._output.append(data)
        self.queued += len(data)

    def take_output(self) -> bytes:
        """Return all bytes to send; `resume` is due once they have left."""
        output, self._output = self._output, []
        self.queued = 0
        return output[0] if len(output) == 1 else b"".join(output)

    def resume(self) -> None:
        """Let streams that waited for memory or window go on, in turn, as far as there is some."""
        left = min(self.send_window, self.space)
        for stream in list(self.waiting):
            if left <= 0:
                return
            if stream.send_window > 0:
                left -= min(stream.send_window, DEFAULT_FRAME_SIZE)
                del self.waiting[stream]
                stream.receiver.can_send()

    def write_block(self, stream: Stream, block: bytes, *, ended: bool) -> None:
        """Queue a header block on a stream."""
        self.write(headers_frames(stream.id, block, ended=ended, frame_size=self.peer.frame_size))
        if ended:
            stream.end_local()

    def ping(self, payload: bytes) -> None:
        """Send a PING with eight bytes."""
        self.write(ping_frame(payload))

    def announce_end(self) -> None:
        """Tell the peer to open no more streams, while those on their way are still handled (§6.8)."""
        self.write(go_away_frame(MAX_STREAM_ID, NO_ERROR))

    def go_away(self, code: int = NO_ERROR, reason: str = "") -> None:
        """Tell the peer that no further streams are handled."""
        self._goes_away_after = self.last_peer_stream
        self.write(go_away_frame(self.last_peer_stream, code, reason))

    def abort(self, code: int = CANCEL) -> None:
        """End all streams, since the connection has ended."""
        for stream in list(self.streams.values()):
            self._fail(stream, code)

    # What comes

    def receive(self, data: bytes) -> None:
        """Take received bytes. Raises ConnectionFault if the connection must end; a GOAWAY is queued then."""
        try:
            self._receive(self._rest + data if self._rest else data)
        except ConnectionFault as fault:
            self.go_away(fault.code, fault.reason)
            raise
        if self.waiting:
            self.resume()
        if self.queued > CONTROL_LIMIT:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "the peer reads nothing")

    def _receive(self, data: bytes) -> None:
        position, end = 0, len(data)
        frames = self._frames
        while end - position >= HEADER_SIZE:
            high, low, kind, flags, stream_id = HEADER.unpack_from(data, position)
            length = (high << 16) + low
            if length > DEFAULT_FRAME_SIZE:
                raise ConnectionFault(FRAME_SIZE_ERROR, "a frame is larger than MAX_FRAME_SIZE")
            start = position + HEADER_SIZE
            if start + length > end:
                break
            position = start + length
            if self._block is not None and kind != CONTINUATION:
                raise ConnectionFault(PROTOCOL_ERROR, "another frame within a header block")
            if not self.peer.received and kind != SETTINGS:
                raise ConnectionFault(PROTOCOL_ERROR, "SETTINGS must come first")
            if kind >= len(frames):
                # Unknown types are ignored, which is how the protocol is extended (§5.5).
                self.activity.spend(FRAME_COST)
                continue
            try:
                # The first bit of a stream's number is reserved.
                frames[kind](flags, stream_id & MAX_STREAM_ID, data[start:position])
            except StreamFault as fault:
                self._stream_fault(stream_id & MAX_STREAM_ID, fault)
        self._rest = data[position:] if position else data

    def _stream_fault(self, stream_id: int, fault: StreamFault) -> None:
        self.activity.spend(RESET_COST)
        self.write(reset_frame(stream_id, fault.code))
        stream = self.streams.get(stream_id)
        if stream is not None:
            self._fail(stream, fault.code, by_us=True)
        else:
            self._remember_reset(stream_id)

    def _fail(self, stream: Stream, code: int, *, by_us: bool = False) -> None:
        stream.close(code, by_us=by_us)
        stream.receiver.was_reset(code)

    def forget(self, stream: Stream, *, was_reset: bool) -> None:
        """Drop a stream that has ended; after a reset by this side, frames on it are still on their way."""
        self.streams.pop(stream.id, None)
        self.waiting.pop(stream, None)
        if was_reset:
            self._remember_reset(stream.id)

    def _remember_reset(self, stream_id: int) -> None:
        self._resets[stream_id] = None
        if len(self._resets) > _REMEMBERED_RESETS:
            self._resets.popitem(last=False)

    def take_growth(self, wanted: int) -> int:
        """Return by how much a receive window may grow."""
        growth = min(wanted, self._growth_left)
        self._growth_left -= growth
        return growth

    def give_growth(self, growth: int) -> None:
        """Take back the growth of a stream that has ended."""
        self._growth_left += growth

    def _stream(self, stream_id: int) -> Stream | None:
        """Return an open stream; None if frames on it are to be ignored. Raises ConnectionFault."""
        stream = self.streams.get(stream_id)
        if stream is None:
            if not stream_id:
                raise ConnectionFault(PROTOCOL_ERROR, "a frame that needs a stream")
            if self._is_idle(stream_id):
                raise ConnectionFault(PROTOCOL_ERROR, "a frame on a stream that nobody has opened")
        return stream

    def _is_idle(self, stream_id: int) -> bool:
        """Return whether a stream was never opened."""
        raise NotImplementedError

    def _ignores(self, stream_id: int) -> bool:
        """Return whether content on a stream that is not open is dropped: it was on its way (§5.1)."""
        return stream_id in self._resets or stream_id > self._goes_away_after

    def _data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        stream = self._stream(stream_id)
        # The connection's window is given back at once, so that no slow stream holds up others.
        self._receive_window -= size
        if self._receive_window < 0:
            raise ConnectionFault(FLOW_CONTROL_ERROR, "more content than the connection's window allows")
        if self._receive_window * 2 <= CONNECTION_WINDOW:
            self.write(window_frame(0, CONNECTION_WINDOW - self._receive_window))
            self._receive_window = CONNECTION_WINDOW
        content = without_padding(flags, payload)
        if content is None:
            raise ConnectionFault(PROTOCOL_ERROR, "padding that is longer than its frame")
        if not content and not flags & END_STREAM:
            self.activity.spend(FRAME_COST)
        if stream is None:
            if self._ignores(stream_id):
                # A peer that never stops would send without limit: no stream's window bounds it.
                self.activity.spend(FRAME_COST)
                return
            raise ConnectionFault(STREAM_CLOSED, "content on a closed stream")
        if stream.remote_ended:
            raise StreamFault(STREAM_CLOSED, "content after END_STREAM")
        if not stream.take(size):
            raise StreamFault(FLOW_CONTROL_ERROR, "more content than the stream's window allows")
        if not stream.head_received:
            raise StreamFault(PROTOCOL_ERROR, "content before a head")
        if size > len(content):
            stream.consume(size - len(content))
        if content:
            if stream.expected >= 0:
                stream.expected -= len(content)
                if stream.expected < 0:
                    raise StreamFault(PROTOCOL_ERROR, "more content than Content-Length says")
            stream.receiver.content_received(content)
        if flags & END_STREAM:
            self._end(stream, b"")

    def _end(self, stream: Stream, trailers: bytes) -> None:
        """Note the end of the peer's content. Raises StreamFault if it came early."""
        if stream.expected > 0:
            raise StreamFault(PROTOCOL_ERROR, "less content than Content-Length says")
        stream.end_remote()
        stream.receiver.ended(trailers)

    def _headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if not stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "HEADERS needs a stream")
        block = without_padding(flags, payload)
        if block is not None and flags & WITH_PRIORITY:
            if len(block) < 5:
                raise ConnectionFault(FRAME_SIZE_ERROR, "HEADERS is too short")
            depends_on_itself = long_of(block) & MAX_STREAM_ID == stream_id
            block = block[5:]
        else:
            depends_on_itself = False
        if block is None:
            raise ConnectionFault(PROTOCOL_ERROR, "padding that is longer than its frame")
        if flags & END_HEADERS:
            self._complete_block(stream_id, block, ended=bool(flags & END_STREAM))
            if depends_on_itself:
                raise StreamFault(PROTOCOL_ERROR, "a stream cannot depend on itself")
        elif depends_on_itself:
            # A reset of the stream would come before the rest of the block opens it.
            raise ConnectionFault(PROTOCOL_ERROR, "a stream cannot depend on itself")
        else:
            self._block = (stream_id, flags, bytearray(block))

    def _continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if self._block is None or self._block[0] != stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "CONTINUATION belongs to no header block")
        _, first_flags, block = self._block
        block += payload
        # A block is never longer than its fields, apart from changes of the table.
        if len(block) > self.settings.header_bytes:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "a header block is too large")
        self.activity.spend(FRAME_COST)
        if flags & END_HEADERS:
            self._block = None
            self._complete_block(stream_id, bytes(block), ended=bool(first_flags & END_STREAM))

    def _complete_block(self, stream_id: int, block: bytes, *, ended: bool) -> None:
        """Take a whole header block: a head or trailers."""
        raise NotImplementedError

    def _drop_block(self, stream_id: int, block: bytes) -> None:
        """Decode a block on a stream that is not open, since later blocks build on it."""
        self._decoder.drop(block)
        if not self._ignores(stream_id):
            raise ConnectionFault(STREAM_CLOSED, "HEADERS on a closed stream")
        self.activity.spend(FRAME_COST)

    def _trailers(self, stream: Stream, block: bytes, *, ended: bool) -> None:
        if stream.remote_ended:
            self._decoder.drop(block)
            raise StreamFault(STREAM_CLOSED, "HEADERS after END_STREAM")
        lines = self._decoder.decode_trailers(block)
        if not ended:
            raise StreamFault(PROTOCOL_ERROR, "trailers must end the stream")
        self._end(stream, lines)

    def _priority(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Ignore priorities (§5.3.2)."""
        self.activity.spend(FRAME_COST)
        if not stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "PRIORITY needs a stream")
        is_open = stream_id in self.streams
        if len(payload) != 5:
            # A RST_STREAM on an idle stream would be an error of this side (§6.4).
            fault = StreamFault if is_open else ConnectionFault
            raise fault(FRAME_SIZE_ERROR, "PRIORITY has five bytes")
        if is_open and long_of(payload) & MAX_STREAM_ID == stream_id:
            raise StreamFault(PROTOCOL_ERROR, "a stream cannot depend on itself")

    def _rst_stream(self, flags: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise ConnectionFault(FRAME_SIZE_ERROR, "RST_STREAM has four bytes")
        stream = self._stream(stream_id)
        self.activity.spend(FRAME_COST if stream is None else self._reset_cost(stream))
        if stream is not None:
            self._fail(stream, long_of(payload))

    def _reset_cost(self, stream: Stream) -> float:
        # A client that leaves a response in the middle has been served so far.
        return FRAME_COST if stream.local_ended else RESET_COST

    def _settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "SETTINGS belongs to no stream")
        if flags & ACK:
            self.activity.spend(FRAME_COST)
            if payload:
                raise ConnectionFault(FRAME_SIZE_ERROR, "an acknowledgement of SETTINGS is empty")
            self._decoder.settings_acknowledged()
            return
        if len(payload) % 6:
            raise ConnectionFault(FRAME_SIZE_ERROR, "settings have six bytes each")
        if self.peer.received:
            self.activity.spend(SETTINGS_COST + len(payload) / 6)
        self.peer.received = True
        for identifier, value in parse_settings(payload):
            before = self.peer.window
            self.peer.apply(identifier, value)
            if identifier == INITIAL_WINDOW_SIZE:
                self._change_windows(value - before)
        self.encoder.resize(self.peer.header_table_size)
        self.write(SETTINGS_ACK)
        self.owner.settings_received()

    def _change_windows(self, change: int) -> None:
        """Change the send windows of open streams, which may make them negative (§6.9.2)."""
        for stream in self.streams.values():
            stream.send_window += change
            if stream.send_window > MAX_WINDOW:
                raise ConnectionFault(FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE makes a window too large")

    def _push_promise(self, flags: int, stream_id: int, payload: bytes) -> None:
        raise ConnectionFault(PROTOCOL_ERROR, "PUSH_PROMISE is not allowed here")

    def _ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "PING belongs to no stream")
        if len(payload) != 8:
            raise ConnectionFault(FRAME_SIZE_ERROR, "PING has eight bytes")
        self.activity.spend(FRAME_COST)
        if flags & ACK:
            self.owner.ping_acknowledged(payload)
            return
        self.write(ping_frame(payload, ack=True))

    def _goaway(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "GOAWAY belongs to no stream")
        if len(payload) < 8:
            raise ConnectionFault(FRAME_SIZE_ERROR, "GOAWAY has at least eight bytes")
        self.activity.spend(FRAME_COST)
        self.owner.peer_goes_away(long_of(payload) & MAX_STREAM_ID, long_of(payload, 4))

    def _window_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise ConnectionFault(FRAME_SIZE_ERROR, "WINDOW_UPDATE has four bytes")
        self.activity.spend(FRAME_COST)
        increment = long_of(payload) & MAX_STREAM_ID
        if not stream_id:
            if not increment:
                raise ConnectionFault(PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
            self.send_window += increment
            if self.send_window > MAX_WINDOW:
                raise ConnectionFault(FLOW_CONTROL_ERROR, "the connection's window is too large")
            return
        stream = self._stream(stream_id)
        if not increment:
            raise StreamFault(PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
        if stream is not None:
            stream.send_window += increment
            if stream.send_window > MAX_WINDOW:
                raise StreamFault(FLOW_CONTROL_ERROR, "the stream's window is too large")


def initial_window() -> bytes:
    """Return the frame that opens the connection's receive window; it begins at the default (§6.9.2)."""
    return window_frame(0, CONNECTION_WINDOW - DEFAULT_WINDOW)
