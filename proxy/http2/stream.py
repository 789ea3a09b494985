"""One stream of a connection (RFC 9113 §5): its state, its windows, and what this side sends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.http2.activity import BYTE_CREDIT, DATA_CREDIT, MESSAGE_CREDIT
from proxy.http2.errors import CANCEL
from proxy.http2.frames import DATA, END_STREAM, HEADER, reset_frame, window_frame
from proxy.http2.settings import DEFAULT_WINDOW

if TYPE_CHECKING:
    from proxy.http1.response import Response
    from proxy.http2.activity import Activity
    from proxy.http2.header_blocks import HeadEncoder
    from proxy.http2.output import Output
    from proxy.http2.receive_window import ReceiveWindow
    from proxy.http2.settings import PeerSettings

MAX_STREAM_WINDOW = 1 << 20
"""The window to which one stream may grow, in bytes."""


class Receiver(Protocol):
    """Takes what comes on a stream. The calls come from `Connection.receive` and must not wait."""

    def head_received(self, response: Response, *, ended: bool) -> None:
        """Take a response, perhaps an interim one; only on a connection to a server."""

    def content_received(self, data: bytes) -> None:
        """Take content, for which `Stream.consume` is called once it has left the memory."""

    def ended(self, trailers: bytes) -> None:
        """Note that the peer has sent all; `trailers` are lines, each ended by CRLF."""

    def was_reset(self, code: int) -> None:
        """Note that the stream has ended early: by a reset, a fault of the peer, or with the connection."""

    def can_send(self) -> None:
        """Note that more can be sent, after a `Stream.send` that did not take all."""


class Carrier(Protocol):
    """The connection, as its streams use it; see `proxy.http2.connection`."""

    activity: Activity
    encoder: HeadEncoder
    output: Output
    peer: PeerSettings
    receive_window: ReceiveWindow

    def write_block(self, stream: Stream, block: bytes, *, ended: bool) -> None: ...

    def forget(self, stream: Stream, *, was_reset: bool) -> None: ...


class Stream:
    """A stream; `receiver` takes what comes on it.

    `local_ended` and `remote_ended` say which sides have sent all. Once `closed` is set, nothing more is sent
    or received; `reset_code` is then the code of the RST_STREAM of either side, None after an orderly end.
    `expected` is how much content may still come, -1 if nothing has said so. `unread` is how much has come
    and has not left the memory.
    """

    __slots__ = (
        "_consumed",
        "_grown",
        "_received",
        "_window_size",
        "closed",
        "connection",
        "expected",
        "head_received",
        "head_request",
        "id",
        "local_ended",
        "receive_window",
        "receiver",
        "remote_ended",
        "reset_code",
        "send_window",
        "unread",
    )

    receiver: Receiver

    def __init__(self, connection: Carrier, stream_id: int) -> None:
        self.connection = connection
        self.id = stream_id
        self.local_ended = self.remote_ended = self.closed = False
        self.reset_code: int | None = None
        self.expected = -1
        self.send_window = connection.peer.window
        self.receive_window = self._window_size = DEFAULT_WINDOW
        self._consumed = self._received = self._grown = self.unread = 0
        # Whether a final head has come, and on a connection to a server, whether the request was HEAD.
        self.head_received = self.head_request = False

    def send_head(self, head: bytes, *, ended: bool = False) -> None:
        """Send a head, in the form that the connection's role has; `ended` means that nothing follows."""
        if self.closed or self.local_ended:
            return
        connection = self.connection
        connection.write_block(self, connection.encoder.encode(head), ended=ended)

    def send(self, data: bytes | memoryview, *, ended: bool = False) -> int:
        """Send as much of the content as windows and memory allow now, and return how much that was.

        `ended` means that nothing follows; it counts once all was sent. If something is left,
        `Receiver.can_send` tells when to go on. A closed stream takes everything, and drops it.
        """
        size = len(data)
        if self.closed or self.local_ended:
            return size
        connection = self.connection
        output = connection.output
        taken = size
        if size:
            taken = min(size, self.send_window, output.window, output.space)
            if taken < size:
                output.waiting[self] = None
                if taken <= 0:
                    return 0
                data = data[:taken]
                ended = False
            self.send_window -= taken
            output.window -= taken
            connection.activity.earn(DATA_CREDIT + taken * BYTE_CREDIT)
        frame_size = connection.peer.frame_size
        stream_id, flags = self.id, END_STREAM if ended else 0
        if taken <= frame_size:
            header = HEADER.pack(taken >> 16, taken & 0xFFFF, DATA, flags, stream_id)
            output.write(header + data if taken else header)
        else:
            for start in range(0, taken, frame_size):
                piece = data[start : start + frame_size]
                length = len(piece)
                last = flags if start + length == taken else 0
                output.write(HEADER.pack(length >> 16, length & 0xFFFF, DATA, last, stream_id))
                output.write(bytes(piece))
        if ended:
            self.end_local()
        return taken

    def resume(self) -> None:
        """Have the receiver go on with what it could not send."""
        self.receiver.can_send()

    def send_trailers(self, lines: bytes) -> None:
        """End the content, with trailer lines that each end with CRLF, or without any."""
        if self.closed or self.local_ended:
            return
        connection = self.connection
        block = connection.encoder.encode_trailers(lines)
        if block:
            connection.write_block(self, block, ended=True)
        else:
            self.send(b"", ended=True)

    def consume(self, count: int) -> None:
        """Note that received bytes have left the memory; give the peer window for them."""
        self.release(count)
        self.give_back(count)

    def release(self, count: int) -> None:
        """Note that received bytes have left the memory."""
        # Otherwise they are no longer counted.
        if not self.closed:
            self.unread -= count
            self.connection.receive_window.release(count)

    def give_back(self, count: int) -> None:
        """Give the peer window for received bytes."""
        self._consumed += count
        if self.remote_ended or self.closed or self._consumed * 2 < self._window_size:
            return
        increment, self._consumed = self._consumed, 0
        connection = self.connection
        # The peer has used a whole window, so a larger one may make it faster.
        if self._received >= self._window_size and self._window_size < MAX_STREAM_WINDOW:
            growth = connection.receive_window.take_growth(
                min(self._window_size, MAX_STREAM_WINDOW - self._window_size)
            )
            self._window_size += growth
            self._grown += growth
            increment += growth
            self._received = 0
        self.receive_window += increment
        connection.output.write(window_frame(self.id, increment))

    def take(self, size: int) -> bool:
        """Count received bytes of a DATA frame; return whether the window allowed them."""
        self.unread += size
        self.receive_window -= size
        self._received += size
        return self.receive_window >= 0

    def reset(self, code: int = CANCEL) -> None:
        """End the stream early, unless it has ended."""
        if not self.closed:
            self.connection.output.write(reset_frame(self.id, code))
            self.close(code, by_us=True)

    def end_local(self) -> None:
        """Note that this side has sent all."""
        self.local_ended = True
        self.connection.activity.earn(MESSAGE_CREDIT)
        if self.remote_ended:
            self.close(None)

    def end_remote(self) -> None:
        """Note that the peer has sent all."""
        self.remote_ended = True
        if self.local_ended:
            self.close(None)

    def close(self, code: int | None, *, by_us: bool = False) -> None:
        """Note that the stream has ended, with the code of a RST_STREAM unless in order."""
        if not self.closed:
            self.closed = True
            self.reset_code = code
            self.connection.forget(self, was_reset=by_us)
            receive_window = self.connection.receive_window
            receive_window.give_growth(self._grown)
            if self.unread:
                # The receiver drops it.
                receive_window.release(self.unread)
                self.unread = 0
