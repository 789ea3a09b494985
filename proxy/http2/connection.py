"""One side of an HTTP/2 connection without I/O (RFC 9113): takes received bytes, frame by frame.

What leaves is in `output`, how much may come in `receive_window`, the open streams in `streams`.
"""

from __future__ import annotations

from sys import maxsize
from typing import TYPE_CHECKING, Generic, Protocol

from proxy.http2.activity import FRAME_COST, RESET_COST, Activity
from proxy.http2.block_assembly import BlockAssembly
from proxy.http2.control_frames import ControlFrames, ControlOwner
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
    CONTINUATION,
    DEFAULT_FRAME_SIZE,
    END_STREAM,
    HEADER,
    HEADER_SIZE,
    MAX_STREAM_ID,
    SETTINGS,
    go_away_frame,
    headers_frames,
    long_of,
    ping_frame,
    reset_frame,
    without_padding,
)
from proxy.http2.header_blocks import Head
from proxy.http2.open_streams import OpenStreams
from proxy.http2.output import CONTROL_LIMIT, Output
from proxy.http2.receive_window import ReceiveWindow
from proxy.http2.settings import MAX_WINDOW, LocalSettings
from proxy.http2.unread_content import UnreadContent

if TYPE_CHECKING:
    from proxy.http2.header_blocks import HeadDecoder, HeadEncoder
    from proxy.http2.stream import Stream


class Owner(ControlOwner, Protocol):
    """The object that has the connection's socket. The calls must not wait."""

    def has_output(self) -> None:
        """Note that there are bytes to send, after there were none."""


class Connection(Generic[Head]):
    """What both roles share; `ServerConnection` and `ClientConnection` say who begins streams.

    It holds at most `unread_limit` bytes of content that nobody has taken, which also count as the worker's
    `unread`.
    """

    def __init__(
        self,
        owner: Owner,
        settings: LocalSettings,
        encoder: HeadEncoder,
        decoder: HeadDecoder[Head],
        unread: UnreadContent,
        unread_limit: int = maxsize,
    ) -> None:
        self.owner = owner
        self.settings = settings
        self.encoder = encoder
        self._decoder = decoder
        self.activity = Activity()
        self.output = Output(owner.has_output)
        self.receive_window = ReceiveWindow(self.output, unread, unread_limit)
        self.streams = OpenStreams(self._is_idle)
        self._control = ControlFrames(owner, self.activity, encoder, decoder, self.output, self.streams)
        self.peer = self._control.peer
        self.last_peer_stream = 0
        self._block = BlockAssembly(settings.header_bytes)
        # The first part of a frame whose rest has not come.
        self._rest = b""
        self._frames = (
            self._data,
            self._headers,
            self._control.priority,
            self._rst_stream,
            self._control.settings,
            self._control.push_promise,
            self._control.ping,
            self._control.goaway,
            self._window_update,
            self._continuation,
        )

    @property
    def is_within_message(self) -> bool:
        """Whether a frame or a header block has begun and not ended."""
        return bool(self._rest) or self._block.is_open

    # What leaves

    def take_output(self) -> bytes:
        """Return all bytes to send; `resume` is due once they have left."""
        return self.output.take()

    def resume(self) -> None:
        """Let streams that waited for memory or window go on."""
        self.output.resume()

    def write_block(self, stream: Stream, block: bytes, *, ended: bool) -> None:
        """Queue a header block on a stream."""
        self.output.write(headers_frames(stream.id, block, ended=ended, frame_size=self.peer.frame_size))
        if ended:
            stream.end_local()

    def ping(self, payload: bytes) -> None:
        """Send a PING with eight bytes."""
        self.output.write(ping_frame(payload))

    def announce_end(self) -> None:
        """Tell the peer to open no more streams, while those on their way are still handled (§6.8)."""
        self.output.write(go_away_frame(MAX_STREAM_ID, NO_ERROR))

    def go_away(self, code: int = NO_ERROR, reason: str = "") -> None:
        """Tell the peer that no further streams are handled."""
        self.streams.goes_away_after = self.last_peer_stream
        self.output.write(go_away_frame(self.last_peer_stream, code, reason))

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
        output = self.output
        if output.waiting:
            output.resume()
        if output.queued > CONTROL_LIMIT:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "the peer reads nothing")

    def _receive(self, data: bytes) -> None:
        position, end = 0, len(data)
        frames, block = self._frames, self._block
        while end - position >= HEADER_SIZE:
            high, low, kind, flags, stream_id = HEADER.unpack_from(data, position)
            length = (high << 16) + low
            if length > DEFAULT_FRAME_SIZE:
                raise ConnectionFault(FRAME_SIZE_ERROR, "a frame is larger than MAX_FRAME_SIZE")
            start = position + HEADER_SIZE
            if start + length > end:
                break
            position = start + length
            if block.is_open and kind != CONTINUATION:
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
        self.output.write(reset_frame(stream_id, fault.code))
        stream = self.streams.get(stream_id)
        if stream is not None:
            self._fail(stream, fault.code, by_us=True)
        else:
            self.streams.remember_reset(stream_id)

    def _fail(self, stream: Stream, code: int, *, by_us: bool = False) -> None:
        stream.close(code, by_us=by_us)
        stream.receiver.was_reset(code)

    def forget(self, stream: Stream, *, was_reset: bool) -> None:
        """Drop a stream that has ended; after a reset by this side, frames on it are still on their way."""
        self.streams.pop(stream.id, None)
        self.output.waiting.pop(stream, None)
        if was_reset:
            self.streams.remember_reset(stream.id)

    def _is_idle(self, stream_id: int) -> bool:
        """Return whether a stream was never opened."""
        raise NotImplementedError

    def _data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        stream = self.streams.find(stream_id)
        content = without_padding(flags, payload)
        if content is None:
            raise ConnectionFault(PROTOCOL_ERROR, "padding that is longer than its frame")
        self.receive_window.arrived(size)
        if not content and not flags & END_STREAM:
            self.activity.spend(FRAME_COST)
        if stream is None:
            self.receive_window.release(size)
            if self.streams.ignores(stream_id):
                # A peer that never stops would send without limit: no stream's window bounds it.
                self.activity.spend(FRAME_COST)
                return
            raise ConnectionFault(STREAM_CLOSED, "content on a closed stream")
        is_within_window = stream.take(size)
        if stream.remote_ended:
            raise StreamFault(STREAM_CLOSED, "content after END_STREAM")
        if not is_within_window:
            raise StreamFault(FLOW_CONTROL_ERROR, "more content than the stream's window allows")
        if not stream.head_received:
            raise StreamFault(PROTOCOL_ERROR, "content before a head")
        if size > len(content):
            # Nobody holds padding.
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
        block, depends_on_itself = self._block.begin(flags, stream_id, payload)
        if block is not None:
            self._complete_block(stream_id, block, ended=bool(flags & END_STREAM))
            if depends_on_itself:
                raise StreamFault(PROTOCOL_ERROR, "a stream cannot depend on itself")

    def _continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        block, first_flags = self._block.continue_(flags, stream_id, payload)
        self.activity.spend(FRAME_COST)
        if block is not None:
            self._complete_block(stream_id, block, ended=bool(first_flags & END_STREAM))

    def _complete_block(self, stream_id: int, block: bytes, *, ended: bool) -> None:
        """Take a whole header block: a head or trailers."""
        raise NotImplementedError

    def _drop_block(self, stream_id: int, block: bytes) -> None:
        """Decode a block on a stream that is not open, since later blocks build on it."""
        self._decoder.drop(block)
        if not self.streams.ignores(stream_id):
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

    def _rst_stream(self, flags: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise ConnectionFault(FRAME_SIZE_ERROR, "RST_STREAM has four bytes")
        stream = self.streams.find(stream_id)
        self.activity.spend(FRAME_COST if stream is None else self._reset_cost(stream))
        if stream is not None:
            self._fail(stream, long_of(payload))

    def _reset_cost(self, stream: Stream) -> float:
        # A client that leaves a response in the middle has been served so far.
        return FRAME_COST if stream.local_ended else RESET_COST

    def _window_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise ConnectionFault(FRAME_SIZE_ERROR, "WINDOW_UPDATE has four bytes")
        self.activity.spend(FRAME_COST)
        increment = long_of(payload) & MAX_STREAM_ID
        if not stream_id:
            self.output.enlarge_window(increment)
            return
        stream = self.streams.find(stream_id)
        if not increment:
            raise StreamFault(PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
        if stream is not None:
            stream.send_window += increment
            if stream.send_window > MAX_WINDOW:
                raise StreamFault(FLOW_CONTROL_ERROR, "the stream's window is too large")
