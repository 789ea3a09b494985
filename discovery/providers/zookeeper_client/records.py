"""ZooKeeper's protocol without I/O: requests to bytes, and bytes to replies and events.

Facts of the protocol (its reference is `zookeeper.jute` in ZooKeeper's sources):
- A frame is its length in four bytes, and then the content. Numbers are big-endian. A text is its length and
  then UTF-8; the length -1 stands for none.
- A request begins with its number (`xid`) and operation. A reply begins with the same number, the transaction
  id (`zxid`) of the newest change that the server has applied, and an error code.
- Some numbers are fixed: -1 is an event, -2 a ping, -4 a login. A connection begins with frames that have no
  number at all.
- The operations for persistent recursive watches and for several reads in one request exist since ZooKeeper
  3.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

from msgspec import Struct

FRAME_LENGTH = struct.Struct("!i")
_CONNECT = struct.Struct("!iqiq")  # version, last zxid, timeout in milliseconds, session
_CONNECTED = struct.Struct("!iiq")  # version, timeout in milliseconds, session
_REQUEST = struct.Struct("!ii")  # xid, operation
_REPLY = struct.Struct("!iqi")  # xid, zxid, error
_READ = struct.Struct("!i?i")  # operation, last one, error
_EVENT = struct.Struct("!ii")  # kind, state of the session
_LENGTH = FRAME_LENGTH
# czxid, mzxid, ctime, mtime, version, cversion, aversion, owner, length of the data, children, pzxid
_STATUS = struct.Struct("!qqqqiiiqiiq")

_PASSWORD_LENGTH = 16
_NO_SESSION = 0
_NOT_READ_ONLY = b"\0"
_WITHOUT_WATCH = b"\0"
_WITH_WATCH = b"\1"
_RECURSIVE = 1


class Xid(IntEnum):
    """Numbers of frames that are no replies to a numbered request."""

    EVENT = -1
    PING = -2
    LOGIN = -4


class Operation(IntEnum):
    EXISTS = 3
    GET_DATA = 4
    GET_CHILDREN = 8
    SYNC = 9
    PING = 11
    READ_SEVERAL = 22
    LOGIN = 100
    ADD_WATCH = 106
    CLOSE = -11


class Code(IntEnum):
    """The error codes that Rondpoint tells apart."""

    OK = 0
    NOT_IMPLEMENTED = -6
    NO_NODE = -101
    NO_RIGHT = -102
    SESSION_EXPIRED = -112
    LOGIN_FAILED = -115


class EventKind(IntEnum):
    """What happened to a znode. Every other kind of event concerns the session."""

    CREATED = 1
    DELETED = 2
    CHANGED = 3


class Reply(Struct, frozen=True):
    """The head of a reply, and the content after it."""

    xid: int
    zxid: int
    error: int
    content: bytes


class Event(Struct, frozen=True):
    kind: int
    path: str


class Znode(Struct, frozen=True):
    """A node with its data.

    `child_count` is the number of its children; `had_children`: it ever had one. `created` is the transaction
    that created it (czxid), and the time of that in milliseconds.
    """

    data: bytes
    child_count: int
    had_children: bool
    created: tuple[int, int] = (0, 0)


class Failure(Struct, frozen=True):
    """The result of a read that failed; `code` is an error code."""

    code: int


ReadResult = Znode | Sequence[str] | Failure


def encode_frame(content: bytes) -> bytes:
    return FRAME_LENGTH.pack(len(content)) + content


def encode_connect(timeout: int) -> bytes:
    """Return the first frame's content: it asks for a new session with a timeout in milliseconds."""
    return _CONNECT.pack(0, 0, timeout, _NO_SESSION) + _encode_bytes(bytes(_PASSWORD_LENGTH)) + _NOT_READ_ONLY


def decode_connected(content: bytes) -> int:
    """Return the session's timeout in milliseconds; 0 if the server refuses a session. Raises ValueError."""
    with _whole():
        _, timeout, _ = _CONNECTED.unpack_from(content)
    return int(timeout)


def encode_login(username: str, password: str) -> bytes:
    """Return a login by the scheme `digest`, which ZooKeeper's access control lists know."""
    credentials = _encode_bytes(f"{username}:{password}".encode())
    return encode_request(Xid.LOGIN, Operation.LOGIN, _LENGTH.pack(0) + _encode_text("digest") + credentials)


def encode_request(xid: int, operation: int, content: bytes = b"") -> bytes:
    return _REQUEST.pack(xid, operation) + content


def encode_path(path: str) -> bytes:
    """Return the content of a sync."""
    return _encode_text(path)


def encode_watch(path: str) -> bytes:
    """Return the content that adds a watch which stays, of a path and all paths below it."""
    return _encode_text(path) + _LENGTH.pack(_RECURSIVE)


def encode_read(path: str, *, watch: bool) -> bytes:
    """Return the content of one read; with `watch`, the server sends one event at the next change."""
    return _encode_text(path) + (_WITH_WATCH if watch else _WITHOUT_WATCH)


def encode_reads(operation: Operation, paths: Sequence[str]) -> bytes:
    """Return the content of one request for several reads: of GET_DATA or GET_CHILDREN for each path."""
    head = _READ.pack(operation, False, -1)
    reads = [head + _encode_text(path) + _WITHOUT_WATCH for path in paths]
    return b"".join(reads) + _READ.pack(-1, True, -1)


def decode_reply(content: bytes) -> Reply:
    """Return a reply. Raises ValueError."""
    with _whole():
        xid, zxid, error = _REPLY.unpack_from(content)
    return Reply(xid, zxid, error, content[_REPLY.size :])


def decode_event(content: bytes) -> Event:
    """Return the event in a reply's content. Raises ValueError."""
    with _whole():
        kind, _ = _EVENT.unpack_from(content)
        path, _ = _decode_bytes(content, _EVENT.size)
    return Event(kind, path.decode(errors="replace"))


def decode_data(content: bytes) -> bytes:
    """Return the data in the reply to one GET_DATA. Raises ValueError."""
    with _whole():
        return _decode_bytes(content, 0)[0]


def decode_children(content: bytes) -> list[str]:
    """Return the names in the reply to one GET_CHILDREN. Raises ValueError."""
    with _whole():
        return _decode_texts(content, 0)[0]


def decode_reads(content: bytes) -> list[ReadResult]:
    """Return the results of several reads, in the order of the request. Raises ValueError."""
    with _whole():
        return list(_decode_reads(content))


def _decode_reads(content: bytes) -> Iterator[ReadResult]:
    position = 0
    while True:
        operation, done, _ = _READ.unpack_from(content, position)
        position += _READ.size
        if done:
            return
        if operation == Operation.GET_DATA:
            data, position = _decode_bytes(content, position)
            status = _STATUS.unpack_from(content, position)
            position += _STATUS.size
            created, _, time, _, _, child_changes, _, _, _, child_count, _ = status
            yield Znode(data, child_count, child_changes > 0, (created, time))
        elif operation == Operation.GET_CHILDREN:
            children, position = _decode_texts(content, position)
            yield children
        else:
            (code,) = _LENGTH.unpack_from(content, position)
            position += _LENGTH.size
            yield Failure(code)


def _decode_texts(content: bytes, position: int) -> tuple[list[str], int]:
    (count,) = _LENGTH.unpack_from(content, position)
    position += _LENGTH.size
    texts = []
    for _ in range(count):
        text, position = _decode_bytes(content, position)
        texts.append(text.decode(errors="replace"))
    return texts, position


def _decode_bytes(content: bytes, position: int) -> tuple[bytes, int]:
    (length,) = _LENGTH.unpack_from(content, position)
    position += _LENGTH.size
    end = position + max(0, length)
    if end > len(content):
        raise ValueError(f"{length} bytes are announced, {len(content) - position} are there")
    return content[position:end], end


@contextmanager
def _whole() -> Iterator[None]:
    """Raise ValueError if the content ends too early."""
    try:
        yield
    except struct.error as fault:
        raise ValueError(str(fault)) from None


def _encode_bytes(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


def _encode_text(text: str) -> bytes:
    return _encode_bytes(text.encode())
