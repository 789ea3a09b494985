"""The frames that concern a connection as a whole: SETTINGS, PING, GOAWAY, PRIORITY (RFC 9113 §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.http2.activity import FRAME_COST, SETTINGS_COST, Activity
from proxy.http2.errors import (
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    PROTOCOL_ERROR,
    ConnectionFault,
    StreamFault,
)
from proxy.http2.frames import ACK, MAX_STREAM_ID, SETTINGS_ACK, long_of, parse_settings, ping_frame
from proxy.http2.settings import INITIAL_WINDOW_SIZE, MAX_WINDOW, PeerSettings

if TYPE_CHECKING:
    from proxy.http2.header_blocks import HeadEncoder
    from proxy.http2.open_streams import OpenStreams
    from proxy.http2.output import Output


class ControlOwner(Protocol):
    """The object that has the connection's socket. The calls must not wait."""

    def settings_received(self) -> None:
        """Note that the peer's settings are known, or have changed."""

    def peer_goes_away(self, last_stream_id: int, code: int) -> None:
        """Note a GOAWAY: the peer handles no streams of this side above this one."""

    def ping_acknowledged(self, payload: bytes) -> None:
        """Note that the peer has responded to a PING."""


class Decoder(Protocol):
    """The decoder of header blocks."""

    def settings_acknowledged(self) -> None:
        """Note that the peer knows the size of the table."""


class ControlFrames:
    """Takes these frames, given their flags, stream and payload.

    Each method raises ConnectionFault or StreamFault for a frame that breaks the protocol.
    """

    def __init__(
        self,
        owner: ControlOwner,
        activity: Activity,
        encoder: HeadEncoder,
        decoder: Decoder,
        output: Output,
        streams: OpenStreams,
    ) -> None:
        self.peer = PeerSettings()
        self._owner = owner
        self._activity = activity
        self._encoder = encoder
        self._decoder = decoder
        self._output = output
        self._streams = streams

    def settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "SETTINGS belongs to no stream")
        if flags & ACK:
            self._activity.spend(FRAME_COST)
            if payload:
                raise ConnectionFault(FRAME_SIZE_ERROR, "an acknowledgement of SETTINGS is empty")
            self._decoder.settings_acknowledged()
            return
        if len(payload) % 6:
            raise ConnectionFault(FRAME_SIZE_ERROR, "settings have six bytes each")
        if self.peer.received:
            self._activity.spend(SETTINGS_COST + len(payload) / 6)
        self.peer.received = True
        for identifier, value in parse_settings(payload):
            before = self.peer.window
            self.peer.apply(identifier, value)
            if identifier == INITIAL_WINDOW_SIZE:
                self._change_windows(value - before)
        self._encoder.resize(self.peer.header_table_size)
        self._output.write(SETTINGS_ACK)
        self._owner.settings_received()

    def _change_windows(self, change: int) -> None:
        """Change the send windows of open streams, which may make them negative (§6.9.2)."""
        for stream in self._streams.values():
            stream.send_window += change
            if stream.send_window > MAX_WINDOW:
                raise ConnectionFault(FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE makes a window too large")

    def push_promise(self, flags: int, stream_id: int, payload: bytes) -> None:
        raise ConnectionFault(PROTOCOL_ERROR, "PUSH_PROMISE is not allowed here")

    def ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "PING belongs to no stream")
        if len(payload) != 8:
            raise ConnectionFault(FRAME_SIZE_ERROR, "PING has eight bytes")
        self._activity.spend(FRAME_COST)
        if flags & ACK:
            self._owner.ping_acknowledged(payload)
            return
        self._output.write(ping_frame(payload, ack=True))

    def goaway(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "GOAWAY belongs to no stream")
        if len(payload) < 8:
            raise ConnectionFault(FRAME_SIZE_ERROR, "GOAWAY has at least eight bytes")
        self._activity.spend(FRAME_COST)
        self._owner.peer_goes_away(long_of(payload) & MAX_STREAM_ID, long_of(payload, 4))

    def priority(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Ignore priorities (§5.3.2)."""
        self._activity.spend(FRAME_COST)
        if not stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "PRIORITY needs a stream")
        is_open = stream_id in self._streams
        if len(payload) != 5:
            # A RST_STREAM on an idle stream would be an error of this side (§6.4).
            fault = StreamFault if is_open else ConnectionFault
            raise fault(FRAME_SIZE_ERROR, "PRIORITY has five bytes")
        if is_open and long_of(payload) & MAX_STREAM_ID == stream_id:
            raise StreamFault(PROTOCOL_ERROR, "a stream cannot depend on itself")
