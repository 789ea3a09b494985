"""The messages of etcd's HTTP gateway that the provider reads.

The gateway writes numbers of 64 bits as texts, and keys and values in base64, which msgspec decodes.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


class Header(Struct, frozen=True):
    """The state of the cluster when it responded."""

    cluster_id: str = ""
    revision: str = "0"


class KeyValue(Struct, frozen=True):
    key: bytes
    value: bytes = b""
    mod_revision: str = "0"

    @property
    def name(self) -> str:
        """The key as text; bytes that are not UTF-8 are replaced."""
        return self.key.decode(errors="replace")


class Range(Struct, frozen=True):
    """The response to a query of keys."""

    header: Header
    kvs: tuple[KeyValue, ...] = ()


class Event(Struct, frozen=True):
    kv: KeyValue
    type: str = "PUT"


class Watched(Struct, frozen=True):
    """One message of a watch: it was created, keys have changed, or it was cancelled."""

    header: Header = Header()
    events: tuple[Event, ...] = ()
    canceled: bool = False
    cancel_reason: str = ""
    compact_revision: str = "0"


class StreamError(Struct, frozen=True):
    """An error that ends a stream."""

    message: str = ""


class StreamMessage(Struct, frozen=True):
    """A line of a watch."""

    result: Watched | None = None
    error: StreamError | None = None


class Failure(Struct, frozen=True):
    """The body of an error response."""

    error: str


class Token(Struct, frozen=True):
    """The response to a user's name and password."""

    token: str


class Version(Struct, frozen=True):
    """The response to `GET /version`."""

    etcdserver: str


def decode(content: bytes, kind: type[T]) -> T:
    """Decode a message. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(content, type=kind)
