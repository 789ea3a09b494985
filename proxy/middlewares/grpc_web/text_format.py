"""The text format of gRPC-Web: messages in base64, for clients that can read only text as it arrives.

A body may consist of several parts, each with its own padding, since a sender that flushes must pad.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

_QUANTUM = 4
_BYTES_PER_QUANTUM = 3


class TextDecoder:
    """Decodes a body that arrives in pieces of any size. Its methods raise ValueError for other text."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, text: bytes) -> bytes:
        """Return the bytes that are complete after `text`."""
        text = self._rest + text.translate(None, b"\r\n")
        whole = len(text) - len(text) % _QUANTUM
        self._rest = text[whole:]
        decoded = []
        start = 0
        while start < whole:
            padding = text.find(b"=", start, whole)
            # Padding ends a quantum, and the part with it.
            end = whole if padding < 0 else padding + _QUANTUM - (padding - start) % _QUANTUM
            try:
                decoded.append(a2b_base64(text[start:end], strict_mode=True))
            except Error:
                raise ValueError("the content is not base64") from None
            start = end
        return b"".join(decoded)

    def finish(self) -> None:
        """Check that the body has not ended within a group of four characters."""
        if self._rest:
            raise ValueError("the content in base64 is incomplete")


class TextEncoder:
    """Encodes a body in base64 as one part, except for flushes, which end a part."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the text that needs no padding."""
        data = self._rest + data
        whole = len(data) - len(data) % _BYTES_PER_QUANTUM
        self._rest = data[whole:]
        return b2a_base64(data[:whole], newline=False)

    def flush(self) -> bytes:
        """Return the rest, with its padding."""
        rest, self._rest = self._rest, b""
        return b2a_base64(rest, newline=False)
