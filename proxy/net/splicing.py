"""Long stretches of an unmodified body, moved from socket to socket inside the kernel (splice(2)).

Copying 1 MB through this process costs about half as much again. Pipes are kept for the next transfer, since
making one large costs more than a short body.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from proxy.net.deadlines import NEVER, after

if TYPE_CHECKING:
    from proxy.net.stream import Stream

PIPE_BYTES = 1 << 20
WORTHWHILE = 1 << 17
"""Bytes still to come from which on splicing is worth its pipe."""
_KEPT = 64
_FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK if hasattr(os, "splice") else 0

_pipes: list[tuple[int, int]] = []


class SinkError(OSError):
    """The receiving side broke, after `moved` bytes or somewhat more."""

    moved = 0


def can_splice(source: Stream, sink: Stream) -> bool:
    """Whether both sides give the bytes on their sockets as they are, and there is a pipe for them."""
    return bool(_FLAGS) and source.plain and sink.plain and (bool(_pipes) or _make())


def splice(source: Stream, sink: Stream, count: int, patience: float = 0.0) -> int:
    """Move `count` bytes; less than that only when the source ended before. Returns how many were moved.

    The source may take `patience` seconds for each next bytes, 0 for as long as it likes.
    Raises SinkError or OSError when a side broke.
    """
    pipe = _pipes.pop()
    inside = 0
    left = count
    try:
        while left:
            source.deadline = after(patience)
            source.wait_readable()
            source.deadline = NEVER
            try:
                inside = os.splice(source.sock.fileno(), pipe[1], min(left, PIPE_BYTES), flags=_FLAGS)
            except BlockingIOError:
                continue
            except OSError:
                # Broken or ended: either way there is no more.
                inside = 0
            if not inside:
                break
            left -= inside
            inside = _drain(pipe[0], sink, inside)
    except SinkError as error:
        error.moved = count - left - inside
        raise
    finally:
        _give_back(pipe, clean=not inside)
    return count - left


def _drain(pipe: int, sink: Stream, inside: int) -> int:
    try:
        while inside:
            try:
                inside -= os.splice(pipe, sink.sock.fileno(), inside, flags=_FLAGS)
            except BlockingIOError:
                sink.wait_writable()
    except OSError as error:
        raise SinkError(error.errno, error.strerror) from error
    return inside


def _make() -> bool:
    try:
        pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # Out of descriptors: bodies go the long way.
        return False
    # Where the user's share of pipe memory is used up, a small pipe does as well, if slower.
    with contextlib.suppress(PermissionError):
        fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    _pipes.append(pipe)
    return True


def _give_back(pipe: tuple[int, int], *, clean: bool) -> None:
    if clean and len(_pipes) < _KEPT:
        _pipes.append(pipe)
        return
    for end in pipe:
        os.close(end)
