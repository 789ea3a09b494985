"""The chunked transfer coding: a strict decoder (RFC 9112 §7.1) and an encoder.

The proxy never forwards a sender's chunk lines: it writes sizes as plain digits and drops extensions.
"""

from __future__ import annotations

import re

from proxy.http1.errors import MessageError
from proxy.http1.limits import Underscores

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t -~\x80-\xff]*)?")
# Some servers pad sizes to a fixed width with spaces.
_PADDED_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t -~\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*")
# RFC 9110 §6.5.1: fields that frame, route or authenticate must not come in a trailer.
FORBIDDEN_TRAILERS = re.compile(
    rb"(?i:content-length|transfer-encoding|host|connection|trailer|te|upgrade|keep-alive|authorization"
    rb"|set-cookie|cookie|content-encoding|content-type|content-range|x[-_]real[-_]ip|x[-_]forwarded[-_][^:]*):"
)
_LINE_LIMIT = 4096
_TRAILER_LIMIT = 16384


class ChunkError(MessageError):
    """A chunked body breaks the grammar."""


class ChunkedDecoder:
    """Decodes a chunked body that arrives in pieces of any size; `padded` allows padded sizes.

    `underscores` decides about trailer lines with underscores in their names.

    `finished` becomes true at the end of the trailer section. Then `trailers` holds the lines to forward,
    each ended by CRLF, and `rest` the bytes after the body.
    """

    __slots__ = (
        "_buffer",
        "_in_trailers",
        "_remaining",
        "_size",
        "_trailers_left",
        "_underscores",
        "finished",
        "rest",
        "trailers",
    )

    def __init__(self, *, padded: bool = False, underscores: Underscores = "allow") -> None:
        self._size = _PADDED_SIZE if padded else _SIZE
        self._buffer = b""
        self._remaining = 0
        self._in_trailers = False
        self._trailers_left = _TRAILER_LIMIT
        self._underscores = underscores
        self.finished = False
        self.trailers = b""
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the content in `data`, joined, possibly empty. Raises ChunkError."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        pieces: list[bytes] = []
        position = 0
        while not self.finished:
            if self._in_trailers:
                position = self._trailer(data, position)
                if position < 0:
                    break
            elif self._remaining > 2:
                piece = data[position : position + self._remaining - 2]
                if not piece:
                    break
                pieces.append(piece)
                position += len(piece)
                self._remaining -= len(piece)
            elif self._remaining:
                # The CRLF after a chunk's data; `_remaining` counts its outstanding bytes.
                if len(data) - position < 2:
                    self._buffer = data[position:]
                    break
                if data[position : position + 2] != b"\r\n":
                    raise ChunkError("chunk data must end with CRLF")
                position += 2
                self._remaining = 0
            else:
                position = self._size_line(data, position)
                if position < 0:
                    break
        if self.finished:
            self.rest = data[position:]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _size_line(self, data: bytes, position: int) -> int:
        line = self._line(data, position, _LINE_LIMIT)
        if line is None:
            return -1
        match = self._size.fullmatch(line)
        if match is None:
            raise ChunkError("invalid chunk size line")
        size = int(match[1], 16)
        if size:
            self._remaining = size + 2
        else:
            self._in_trailers = True
        return position + len(line) + 2

    def _trailer(self, data: bytes, position: int) -> int:
        line = self._line(data, position, self._trailers_left)
        if line is None:
            return -1
        self._trailers_left -= len(line) + 2
        if not line:
            self.finished = True
        elif _TRAILER.fullmatch(line) is None:
            raise ChunkError("invalid trailer line")
        elif self._underscores != "allow" and b"_" in line.partition(b":")[0]:
            if self._underscores == "reject":
                raise ChunkError("trailer names with underscores are not allowed here")
        elif FORBIDDEN_TRAILERS.match(line) is None:
            self.trailers += line + b"\r\n"
        return position + len(line) + 2

    def _line(self, data: bytes, position: int, limit: int) -> bytes | None:
        end = data.find(b"\n", position)
        if end < 0:
            if len(data) - position > limit:
                raise ChunkError("line too long in a chunked body")
            self._buffer = data[position:]
            return None
        if end - position > limit:
            raise ChunkError("line too long in a chunked body")
        if end == position or data[end - 1] != 13:
            raise ChunkError("lines of a chunked body must end with CRLF")
        return data[position : end - 1]


def encode_chunk(data: bytes) -> bytes:
    """Return `data` as one chunk; b"" for no data, because an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def last_chunk(trailers: bytes = b"") -> bytes:
    """Return the end of a chunked body, with its trailer lines."""
    return b"0\r\n" + trailers + b"\r\n"
