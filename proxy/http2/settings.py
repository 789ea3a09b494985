"""The settings of a connection (RFC 9113 §6.5.2, RFC 8441 §3)."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.http2.errors import FLOW_CONTROL_ERROR, PROTOCOL_ERROR, ConnectionFault
from proxy.http2.frames import DEFAULT_FRAME_SIZE
from proxy.http2.header_blocks import DEFAULT_TABLE_SIZE

HEADER_TABLE_SIZE = 1
ENABLE_PUSH = 2
MAX_CONCURRENT_STREAMS = 3
INITIAL_WINDOW_SIZE = 4
MAX_FRAME_SIZE = 5
MAX_HEADER_LIST_SIZE = 6
ENABLE_CONNECT_PROTOCOL = 8

DEFAULT_WINDOW = 65535
MAX_WINDOW = 0x7FFFFFFF
_MAX_FRAME_SIZE = 0xFFFFFF
UNLIMITED = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What this side announces, and the bounds that it sets itself.

    `streams`: how many the peer may have open. `header_bytes`: the largest list of fields that is read; a
    larger one ends the connection. `decoder_table`: bytes of the table for the peer's header blocks;
    `encoder_table`: the most for this side's own, if the peer allows as much.
    """

    streams: int = 250
    header_bytes: int = 131072
    decoder_table: int = DEFAULT_TABLE_SIZE
    encoder_table: int = DEFAULT_TABLE_SIZE

    def for_clients(self) -> list[tuple[int, int]]:
        """Return the settings that a server announces."""
        return [
            (MAX_CONCURRENT_STREAMS, self.streams),
            (MAX_HEADER_LIST_SIZE, self.header_bytes),
            (ENABLE_CONNECT_PROTOCOL, 1),
            *self._table(),
        ]

    def for_servers(self) -> list[tuple[int, int]]:
        """Return the settings that a client announces."""
        return [(ENABLE_PUSH, 0), (MAX_HEADER_LIST_SIZE, self.header_bytes), *self._table()]

    def _table(self) -> list[tuple[int, int]]:
        if self.decoder_table == DEFAULT_TABLE_SIZE:
            return []
        return [(HEADER_TABLE_SIZE, self.decoder_table)]


@dataclass(slots=True)
class PeerSettings:
    """What the peer has announced; until then, the values that the RFC sets."""

    header_table_size: int = DEFAULT_TABLE_SIZE
    streams: int = UNLIMITED
    window: int = DEFAULT_WINDOW
    frame_size: int = DEFAULT_FRAME_SIZE
    connect_protocol: bool = False
    received: bool = False

    def apply(self, identifier: int, value: int) -> None:
        """Take over one setting; ignore an unknown one. Raises ConnectionFault."""
        if identifier == HEADER_TABLE_SIZE:
            self.header_table_size = value
        elif identifier == ENABLE_PUSH:
            if value > 1:
                raise ConnectionFault(PROTOCOL_ERROR, "ENABLE_PUSH is 0 or 1")
        elif identifier == MAX_CONCURRENT_STREAMS:
            self.streams = value
        elif identifier == INITIAL_WINDOW_SIZE:
            if value > MAX_WINDOW:
                raise ConnectionFault(FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
            self.window = value
        elif identifier == MAX_FRAME_SIZE:
            if not DEFAULT_FRAME_SIZE <= value <= _MAX_FRAME_SIZE:
                raise ConnectionFault(PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of range")
            self.frame_size = value
        elif identifier == ENABLE_CONNECT_PROTOCOL:
            if value > 1 or (self.connect_protocol and not value):
                raise ConnectionFault(PROTOCOL_ERROR, "ENABLE_CONNECT_PROTOCOL is 1, or 0 and stays so")
            self.connect_protocol = bool(value)
