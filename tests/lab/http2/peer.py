"""One side of an HTTP/2 connection that sends any bytes and records what comes back."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Self

import hpack as reference

from tests.lab.http2 import frames
from tests.lab.http2.frames import Frame
from tests.lab.http2.hpack import Field

ENDS = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError)
"""What operations raise once the other side has ended the connection."""

TIMEOUT = 30.0
"""Seconds that a wait takes at most, unless told otherwise."""


@dataclass(slots=True)
class Stream:
    """What the other side has sent on a stream."""

    heads: list[list[Field]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    ended: bool = False
    reset: int | None = None  # the code of its first RST_STREAM

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        return self.ended or self.reset is not None

    @property
    def final(self) -> dict[bytes, bytes]:
        """The fields of the first head that is not an interim response; empty if there is none."""
        for head in self.heads:
            fields = dict(head)
            if not fields.get(b":status", b"").startswith(b"1"):
                return fields
        return {}

    @property
    def status(self) -> int:
        """The status of the response; 0 before it."""
        return int(self.final.get(b":status", b"0"))

    @property
    def trailers(self) -> list[Field]:
        """The fields of a head without pseudo-header fields after the first one; often none."""
        found = [head for head in self.heads[1:] if not any(name.startswith(b":") for name, _ in head)]
        return found[-1] if found else []


class Peer:
    """A connection. Each wait ends when the condition holds, or with the connection (see `closed`)."""

    def __init__(self, connected: socket.socket, *, grants: bool = True, table: int = 4096) -> None:
        """Take over the socket.

        With `grants`, each DATA frame is followed by WINDOW_UPDATE frames of its size. `table` is the largest
        dynamic table for what comes in.
        """
        self.socket = connected
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.frames: list[Frame] = []
        self.streams: dict[int, Stream] = {}
        self.settings: dict[int, int] = {}
        self.goaway: Frame | None = None
        self.closed = False
        self.grants = grants
        self.acknowledges = True
        self.windows: dict[int, int] = {0: frames.FIRST_WINDOW}
        """What may still be sent; a stream's entry is made by `window`."""
        self._decoder = reference.Decoder(1 << 24)
        self.limit_table(table)
        self._buffer = bytearray()
        self._block = b""
        self._ends = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        """Send these bytes in one piece.

        If the other side has closed, nothing is sent; what it sent before can still be read.
        """
        with suppress(*ENDS):
            self.socket.sendall(b"".join(pieces))

    def limit_table(self, size: int) -> None:
        """Accept header blocks of a dynamic table up to this size; the decoder raises an error at others."""
        self._decoder.max_allowed_table_size = size

    def stream(self, number: int) -> Stream:
        """Return the record of this stream."""
        return self.streams.setdefault(number, Stream())

    def window(self, number: int) -> int:
        """Return how many bytes of content may be sent on this stream now."""
        first = self.settings.get(frames.INITIAL_WINDOW_SIZE, frames.FIRST_WINDOW)
        return min(self.windows[0], self.windows.setdefault(number, first))

    def send_content(
        self, number: int, content: bytes, *, ended: bool = True, timeout: float = TIMEOUT
    ) -> None:
        """Send content in DATA frames as the windows allow, waiting for them."""
        rest = memoryview(content)
        while rest or ended:
            size = min(len(rest), max(self.window(number), 0), frames.FIRST_FRAME_SIZE)
            if not size and rest:
                self.wait(lambda: self.window(number) > 0 or self.stream(number).over, timeout)
                if self.closed or self.stream(number).over:
                    return
                continue
            self.windows[0] -= size
            self.windows[number] = self.windows.get(number, frames.FIRST_WINDOW) - size
            last = size == len(rest)
            self.send(frames.data(number, bytes(rest[:size]), ended=ended and last))
            rest = rest[size:]
            if last:
                return

    def wait(self, condition: Callable[[], object], timeout: float = TIMEOUT) -> bool:
        """Read frames until the condition holds; return False if the connection ends, or time, before."""
        deadline = monotonic() + timeout
        while not condition():
            left = deadline - monotonic()
            if self.closed or left <= 0:
                return False
            self.socket.settimeout(left)
            self._receive()
        self.socket.settimeout(TIMEOUT)
        return True

    def wait_for(self, number: int, timeout: float = TIMEOUT) -> Stream:
        """Wait until this stream is over. Raises AssertionError if that does not happen."""
        found = self.stream(number)
        assert self.wait(lambda: found.over, timeout), f"stream {number} is not over: {self.told()}"
        return found

    def wait_for_end(self, timeout: float = TIMEOUT) -> bool:
        """Return whether the other side closes the connection."""
        self.wait(lambda: self.closed, timeout)
        return self.closed

    def ping(self, payload: bytes = b"are here", timeout: float = TIMEOUT) -> bool:
        """Return whether a PING is answered: everything before it was taken."""
        acknowledged = Frame(frames.PING, frames.ACK, 0, payload)
        before = self.frames.count(acknowledged)
        self.send(frames.ping(payload))
        return self.wait(lambda: self.frames.count(acknowledged) > before, timeout)

    def count(self, kind: int, stream: int | None = None, flags: int = 0) -> int:
        """Return the number of received frames of this kind."""
        return sum(
            each.kind == kind and stream in {None, each.stream} and each.flags & flags == flags
            for each in self.frames
        )

    def told(self) -> str:
        """The last received frames, for messages of failed assertions."""
        names = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY")
        kinds = dict(enumerate((*names, "WINDOW_UPDATE", "CONTINUATION")))
        listed = [
            f"{kinds.get(each.kind, each.kind)}({each.stream}, {each.flags:#x}, {each.payload[:24]!r})"
            for each in self.frames[-6:]
        ]
        return f"{'closed' if self.closed else 'open'} after {', '.join(listed)}"

    def _receive(self) -> None:
        try:
            piece = self.socket.recv(1 << 18)
        except TimeoutError:
            return
        except ENDS:
            piece = b""
        if not piece:
            self.closed = True
            return
        self._buffer += piece
        self._take_frames()

    def _take_frames(self) -> None:
        while (found := frames.take_frame(self._buffer)) is not None:
            self.frames.append(found)
            self._take(found)

    def _take(self, found: Frame) -> None:
        match found.kind:
            case frames.HEADERS | frames.CONTINUATION:
                self._take_block(found)
            case frames.DATA:
                self._take_content(found)
            case frames.RST_STREAM:
                record = self.stream(found.stream)
                if record.reset is None:
                    record.reset = found.code
            case frames.GOAWAY:
                self.goaway = found
            case frames.WINDOW_UPDATE:
                self.window(found.stream)
                self.windows[found.stream] += int.from_bytes(found.payload, "big")
            case frames.SETTINGS if not found.has(frames.ACK):
                self._take_settings(found.payload)
            case frames.PING if not found.has(frames.ACK) and self.acknowledges:
                self.send(frames.ping(found.payload, ack=True))

    def _take_block(self, found: Frame) -> None:
        if found.kind == frames.HEADERS:
            self._ends = found.has(frames.END_STREAM)
        self._block += found.content
        if not found.has(frames.END_HEADERS):
            return
        fields = [(bytes(name), bytes(value)) for name, value in self._decoder.decode(self._block, raw=True)]
        self._block = b""
        record = self.stream(found.stream)
        record.heads.append(fields)
        record.ended |= self._ends

    def _take_content(self, found: Frame) -> None:
        record = self.stream(found.stream)
        record.content += found.content
        record.ended |= found.has(frames.END_STREAM)
        size = len(found.payload)
        if self.grants and size:
            self.send(frames.window_update(0, size))
            if not record.ended:
                self.send(frames.window_update(found.stream, size))

    def _take_settings(self, payload: bytes) -> None:
        before = self.settings.get(frames.INITIAL_WINDOW_SIZE, frames.FIRST_WINDOW)
        for start in range(0, len(payload), 6):
            name = int.from_bytes(payload[start : start + 2], "big")
            self.settings[name] = int.from_bytes(payload[start + 2 : start + 6], "big")
        change = self.settings.get(frames.INITIAL_WINDOW_SIZE, frames.FIRST_WINDOW) - before
        for number in self.windows:
            if number:
                self.windows[number] += change
        if self.acknowledges:
            self.send(frames.settings(ack=True))
