"""The server's side of a connection: clients open streams with requests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from proxy.http1.errors import RequestError
from proxy.http1.request import Request
from proxy.http2.connection import Connection, Owner
from proxy.http2.errors import PROTOCOL_ERROR, REFUSED_STREAM, ConnectionFault, StreamFault
from proxy.http2.frames import PREFACE, settings_frame
from proxy.http2.header_blocks import HeadDecoder, HeadEncoder
from proxy.http2.receive_window import unread_limit
from proxy.http2.repeated_requests import RequestParser
from proxy.http2.request_head import with_content
from proxy.http2.response_head import response_fields
from proxy.http2.stream import Stream
from proxy.http2.trailers import trailer_lines
from proxy.http2.unread_content import UnreadContent

if TYPE_CHECKING:
    from proxy.http1.limits import Limits
    from proxy.http2.settings import LocalSettings


class ServerOwner(Owner, Protocol):
    """Takes the requests of a client."""

    def open_stream(self, stream: Stream, request: Request | RequestError, *, ended: bool) -> None:
        """Take a request, or the error to respond in its place; sets `stream.receiver`.

        `ended` means that the request has no content. The stream's end is not told again then.
        """

    def malformed_request(self, fault: StreamFault) -> None:
        """Note a request that got no response but a RST_STREAM."""


class ServerConnection(Connection[Request | RequestError]):
    """A connection with a client, whose requests keep to `limits`."""

    owner: ServerOwner

    def __init__(
        self,
        owner: ServerOwner,
        settings: LocalSettings,
        limits: Limits,
        unread: UnreadContent | None = None,
    ) -> None:
        super().__init__(
            owner,
            settings,
            HeadEncoder(response_fields, settings.encoder_table),
            HeadDecoder(
                RequestParser(limits).parse,
                partial(trailer_lines, underscores=limits.underscores),
                settings.header_bytes,
                settings.decoder_table,
            ),
            UnreadContent() if unread is None else unread,
            unread_limit(settings.streams),
        )
        self._awaits_preface = True
        self.output.write(settings_frame(settings.for_clients()))

    def _receive(self, data: bytes) -> None:
        if self._awaits_preface:
            if len(data) < len(PREFACE):
                if not PREFACE.startswith(data):
                    raise ConnectionFault(PROTOCOL_ERROR, "not the preface of HTTP/2")
                self._rest = data
                return
            if not data.startswith(PREFACE):
                raise ConnectionFault(PROTOCOL_ERROR, "not the preface of HTTP/2")
            self._awaits_preface = False
            data = data[len(PREFACE) :]
        super()._receive(data)

    def _is_idle(self, stream_id: int) -> bool:
        return stream_id > self.last_peer_stream or not stream_id & 1

    def _complete_block(self, stream_id: int, block: bytes, *, ended: bool) -> None:
        stream = self.streams.get(stream_id)
        if stream is not None:
            self._trailers(stream, block, ended=ended)
            return
        if stream_id <= self.last_peer_stream or stream_id > self.streams.goes_away_after:
            self._drop_block(stream_id, block)
            return
        if not stream_id & 1:
            raise ConnectionFault(PROTOCOL_ERROR, "clients open streams with odd numbers")
        self.last_peer_stream = stream_id
        try:
            # Also the block of a request that is refused, since later ones build on it.
            head = self._decoder.decode(block)
            if len(self.streams) >= self.settings.streams:
                raise StreamFault(REFUSED_STREAM, "too many streams")
            if isinstance(head, RequestError):
                # Equal blocks return the same object, and an exception collects the frames of each raise.
                request: Request | RequestError = RequestError(head.status, head.reason)
            else:
                request = with_content(head, ended=ended)
        except StreamFault as fault:
            self.owner.malformed_request(fault)
            raise
        stream = Stream(self, stream_id)
        stream.head_received = True
        stream.remote_ended = ended
        if not isinstance(request, RequestError):
            stream.expected = request.content_length
        self.streams[stream_id] = stream
        self.owner.open_stream(stream, request, ended=ended)
