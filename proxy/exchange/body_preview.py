"""Waits for the start of a body that does not announce its length, to learn whether it is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from proxy.exchange.errors import NoResponseError
from proxy.http1.body_decoder import BodyDecoder
from proxy.http1.chunked import ChunkError

if TYPE_CHECKING:
    from proxy.net.stream import Stream

SECONDS = 0.01
"""The longest wait: a stream that pauses must not keep its client waiting."""
MAX_BYTES = 1 << 18
"""The longest preview, because it is held in memory."""


def preview_body(stream: Stream, length: int, data: bytes, wanted: int) -> tuple[bytes, int]:
    """Receive at least `wanted` bytes of the body, or all of it, unless that takes too long.

    Return the received bytes, framing included, and the length of the body if all of it has arrived, -1
    otherwise. `length` is as in `Response`, and `data` are the first bytes. Raises NoResponseError if the
    connection breaks.
    """
    decoder = BodyDecoder(length)
    wanted = min(wanted, MAX_BYTES)
    received = 0
    ended = False
    pieces = [data]
    try:
        received = len(decoder.feed(data))
        # The stubs do not know that False ends the block without an exception.
        with gevent.Timeout(SECONDS, False):  # type: ignore[arg-type]
            while received < wanted and not decoder.finished:
                more = stream.recv()
                if not more:
                    ended = decoder.until_close and not stream.expired
                    break
                pieces.append(more)
                received += len(decoder.feed(more))
    except ChunkError:
        # The relay finds the same fault.
        return b"".join(pieces), -1
    except OSError as error:
        raise NoResponseError(502, try_others=False) from error
    return b"".join(pieces), received if decoder.finished or ended else -1
