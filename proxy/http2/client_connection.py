"""The client's side of a connection: this side opens streams with requests to a server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from proxy.http1.response import Response
from proxy.http2.connection import Connection, Owner
from proxy.http2.errors import PROTOCOL_ERROR, REFUSED_STREAM, ConnectionFault, StreamFault
from proxy.http2.frames import MAX_STREAM_ID, PREFACE, settings_frame
from proxy.http2.header_blocks import HeadDecoder, HeadEncoder
from proxy.http2.request_head import request_fields
from proxy.http2.response_head import parse_response, without_content
from proxy.http2.stream import Receiver, Stream
from proxy.http2.trailers import trailer_lines
from proxy.http2.unread_content import UnreadContent

if TYPE_CHECKING:
    from proxy.http2.settings import LocalSettings


class ClientConnection(Connection[Response]):
    """A connection to a server; `scheme` is that of all requests."""

    def __init__(self, owner: Owner, settings: LocalSettings, scheme: bytes) -> None:
        super().__init__(
            owner,
            settings,
            HeadEncoder(partial(request_fields, scheme=scheme), settings.encoder_table),
            HeadDecoder(parse_response, trailer_lines, settings.header_bytes, settings.decoder_table),
            UnreadContent(),
        )
        self._next_id = 1
        self.output.write(PREFACE + settings_frame(settings.for_servers()))
        # Many requests share the connection from the start.
        self.receive_window.open()

    @property
    def free_streams(self) -> int:
        """How many streams may be opened now."""
        return min(self.peer.streams - len(self.streams), (MAX_STREAM_ID - self._next_id) // 2)

    def open_stream(self, receiver: Receiver, head: bytes, *, ended: bool, is_head: bool = False) -> Stream:
        """Begin a request, if there are `free_streams`; `is_head` says that its method is HEAD."""
        stream = Stream(self, self._next_id)
        self._next_id += 2
        stream.receiver = receiver
        stream.head_request = is_head
        self.streams[stream.id] = stream
        stream.send_head(head, ended=ended)
        return stream

    def refuse_above(self, last_stream_id: int) -> None:
        """End the streams that the server will not handle, after its GOAWAY (§6.8)."""
        for stream in list(self.streams.values()):
            if stream.id > last_stream_id:
                self._fail(stream, REFUSED_STREAM)

    def _reset_cost(self, stream: Stream) -> float:
        # This side has begun the stream. A server may refuse it, or respond without reading all.
        return 0.0

    def _is_idle(self, stream_id: int) -> bool:
        return stream_id >= self._next_id or not stream_id & 1

    def _complete_block(self, stream_id: int, block: bytes, *, ended: bool) -> None:
        stream = self.streams.find(stream_id)
        if stream is None:
            self._drop_block(stream_id, block)
            return
        if stream.head_received:
            self._trailers(stream, block, ended=ended)
            return
        response = self._decoder.decode(block)
        if stream.remote_ended:
            raise ConnectionFault(PROTOCOL_ERROR, "HEADERS after END_STREAM")
        if response.status < 200:
            if ended:
                raise StreamFault(PROTOCOL_ERROR, "an interim response cannot end the stream")
        else:
            stream.head_received = True
            if stream.head_request:
                response = without_content(response)
            stream.expected = response.length
            if ended:
                if response.length > 0:
                    raise StreamFault(PROTOCOL_ERROR, "less content than Content-Length says")
                stream.end_remote()
        stream.receiver.head_received(response, ended=ended)
