"""Moves long unmodified bodies from socket to socket inside the kernel (splice(2)).

To copy 1 MB through this process costs about 50 % more. Pipes are kept for the next transfer, because
enlarging a new pipe costs more than a short body.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from proxy.net.deadlines import NEVER, after
from proxy.net.stream import READ_SIZE, Stream

if TYPE_CHECKING:
    from proxy.net.client_stream import ClientStream

PIPE_BYTES = 1 << 20
MIN_SPLICE_BYTES = 1 << 17
"""The number of outstanding bytes from which splicing pays off."""
MAX_PIPES = 256
"""Pipes of a worker. A peer that reads nothing may occupy one for long; without one, bytes are copied."""
MAX_IDLE_PIPES = 64
_FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK if hasattr(os, "splice") else 0


class Pipes:
    """At most `limit` pipes; the unused ones are kept for the next transfer."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._idle: list[tuple[int, int]] = []
        self._open = 0

    def ready(self) -> bool:
        """Return whether `take` may be called, before the next turn of the event loop."""
        return bool(self._idle) or self._create()

    def take(self) -> tuple[int, int]:
        """Return the ends for reading and writing of an empty pipe; `give_back` is due."""
        return self._idle.pop()

    def give_back(self, pipe: tuple[int, int], *, clean: bool) -> None:
        """Keep a pipe, or close it if it is not `clean`, because bytes are left inside."""
        if clean and len(self._idle) < MAX_IDLE_PIPES:
            self._idle.append(pipe)
            return
        self._open -= 1
        for end in pipe:
            os.close(end)

    def _create(self) -> bool:
        if self._open >= self._limit:
            return False
        try:
            pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            # No descriptor is left: bodies go through this process.
            return False
        # If the user's limit of pipe memory is reached, a small pipe works too, but slower.
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._open += 1
        self._idle.append(pipe)
        return True


_pipes = Pipes(MAX_PIPES)


class SinkError(OSError):
    """The receiving connection broke, after `moved` bytes or slightly more."""

    moved = 0


def can_splice(source: ClientStream, sink: ClientStream) -> bool:
    """Return whether both streams carry plain bytes on their sockets, and a pipe is available."""
    return bool(_FLAGS) and source.plain and sink.plain and _pipes.ready()


def splice(source: ClientStream, sink: ClientStream, count: int, read_timeout: float = 0.0) -> int:
    """Move `count` bytes, or fewer if the source ends before, and return how many were moved.

    `can_splice` must hold. The source may pause for `read_timeout` seconds, 0 for no limit. Raises SinkError
    if the sink breaks, and OSError if the source breaks.
    """
    assert isinstance(source, Stream)  # noqa: S101 (as `can_splice` has found)
    assert isinstance(sink, Stream)  # noqa: S101
    pipe = _pipes.take()
    inside = 0
    left = count
    try:
        while left:
            source.deadline = after(read_timeout)
            source.wait_readable()
            source.deadline = NEVER
            try:
                inside = os.splice(source.sock.fileno(), pipe[1], min(left, PIPE_BYTES), flags=_FLAGS)
            except BlockingIOError:
                continue
            except OSError:
                # Broken or ended: no more bytes come in either case.
                inside = 0
            if not inside:
                break
            left -= inside
            inside = _drain_pipe(pipe[0], sink, inside)
    except SinkError as error:
        error.moved = count - left - inside
        raise
    finally:
        _pipes.give_back(pipe, clean=not inside)
    return count - left


def splice_arrived(source: Stream, sink: Stream) -> int:
    """Wait for bytes, move those that are here, and return how many; 0 at the end of the source.

    `can_splice` must hold. A pipe is in use only while bytes move: an idle connection has none. Raises
    OSError if either side breaks.
    """
    while True:
        source.wait_readable()
        if not can_splice(source, sink):
            # Others have used up the pipes or the descriptors meanwhile.
            try:
                data = source.sock.recv(READ_SIZE)
            except BlockingIOError:
                continue
            sink.send(data)
            return len(data)
        pipe = _pipes.take()
        inside = 0
        try:
            arrived = inside = os.splice(source.sock.fileno(), pipe[1], PIPE_BYTES, flags=_FLAGS)
            inside = _drain_pipe(pipe[0], sink, inside)
        except BlockingIOError:
            continue
        finally:
            _pipes.give_back(pipe, clean=not inside)
        return arrived


def _drain_pipe(pipe: int, sink: Stream, inside: int) -> int:
    try:
        while inside:
            try:
                inside -= os.splice(pipe, sink.sock.fileno(), inside, flags=_FLAGS)
            except BlockingIOError:
                sink.wait_writable()
    except OSError as error:
        raise SinkError(error.errno, error.strerror) from error
    return inside
