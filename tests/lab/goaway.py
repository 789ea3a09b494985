"""Reads GOAWAY frames in place of the library `h2`, which takes no further frame after one."""

from typing import NamedTuple

GOAWAY = 7
_HEADER = 9


class Goaway(NamedTuple):
    """What a GOAWAY says (RFC 9113 §6.8): the last stream that the other side handles, and why it ends."""

    last_stream: int
    code: int


class GoawayFilter:
    """Takes GOAWAY frames out of received bytes; `found` are those so far, in order."""

    def __init__(self) -> None:
        self.found: list[Goaway] = []
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the whole frames that are complete now, without GOAWAY."""
        data = self._rest + data
        others, start = [], 0
        while len(data) >= start + _HEADER:
            end = start + _HEADER + int.from_bytes(data[start : start + 3], "big")
            if len(data) < end:
                break
            if data[start + 3] == GOAWAY:
                payload = data[start + _HEADER : end]
                self.found.append(
                    Goaway(int.from_bytes(payload[:4], "big"), int.from_bytes(payload[4:8], "big"))
                )
            else:
                others.append(data[start:end])
            start = end
        self._rest = data[start:]
        return b"".join(others)
