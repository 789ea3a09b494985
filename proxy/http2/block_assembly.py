"""Puts together the header blocks that HEADERS and CONTINUATION frames bring (RFC 9113 §6.2, §6.10)."""

from __future__ import annotations

from proxy.http2.errors import ENHANCE_YOUR_CALM, FRAME_SIZE_ERROR, PROTOCOL_ERROR, ConnectionFault
from proxy.http2.frames import END_HEADERS, MAX_STREAM_ID, WITH_PRIORITY, long_of, without_padding


class BlockAssembly:
    """The header block that has begun and not ended, if `is_open`; no other frame may come then.

    A block of more than `limit` bytes is a fault.
    """

    __slots__ = ("_block", "_flags", "_limit", "_stream_id", "is_open")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._block = bytearray()
        self._stream_id = self._flags = 0
        self.is_open = False

    def begin(self, flags: int, stream_id: int, payload: bytes) -> tuple[bytes | None, bool]:
        """Take a HEADERS frame. Raises ConnectionFault.

        Return the block, None if CONTINUATION frames are to follow, and whether the stream claims to depend
        on itself.
        """
        if not stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "HEADERS needs a stream")
        block = without_padding(flags, payload)
        depends_on_itself = False
        if block is not None and flags & WITH_PRIORITY:
            if len(block) < 5:
                raise ConnectionFault(FRAME_SIZE_ERROR, "HEADERS is too short")
            depends_on_itself = long_of(block) & MAX_STREAM_ID == stream_id
            block = block[5:]
        if block is None:
            raise ConnectionFault(PROTOCOL_ERROR, "padding that is longer than its frame")
        if flags & END_HEADERS:
            return block, depends_on_itself
        if depends_on_itself:
            # A reset of the stream would come before the rest of the block opens it.
            raise ConnectionFault(PROTOCOL_ERROR, "a stream cannot depend on itself")
        self._stream_id, self._flags, self._block = stream_id, flags, bytearray(block)
        self.is_open = True
        return None, False

    def continue_(self, flags: int, stream_id: int, payload: bytes) -> tuple[bytes | None, int]:
        """Take a CONTINUATION frame. Raises ConnectionFault.

        Return the block, None if more is to follow, and the flags of the HEADERS frame.
        """
        if not self.is_open or stream_id != self._stream_id:
            raise ConnectionFault(PROTOCOL_ERROR, "CONTINUATION belongs to no header block")
        self._block += payload
        # A block is never longer than its fields, apart from changes of the table.
        if len(self._block) > self._limit:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "a header block is too large")
        if not flags & END_HEADERS:
            return None, self._flags
        self.is_open = False
        block, self._block = bytes(self._block), bytearray()
        return block, self._flags
