"""Reads the start of a body before its head is sent: to learn what it is, or whether it is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from proxy.exchange.errors import NoResponseError
from proxy.exchange.response_relay import silence_timeout
from proxy.http1.body_decoder import BodyDecoder
from proxy.http1.chunked import ChunkError

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.response import Response
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


def read_body_start(
    downstream: Downstream, stream: Stream, response: Response, data: bytes
) -> tuple[bytes, bytes]:
    """Read the first bytes of the body; `data` are those that came with the head.

    Return all bytes that were read, and the content in them, which is empty if the body is. Raises
    NoResponseError if the server sends nothing more.
    """
    decoder = BodyDecoder(response.length)
    try:
        content = decoder.feed(data)
        if content or decoder.finished:
            return data, content
        with silence_timeout(downstream, stream):
            while not (content or decoder.finished):
                piece = stream.recv()
                if not piece:
                    if decoder.until_close and not stream.expired:
                        break
                    raise NoResponseError(504 if stream.expired else 502, try_others=False)
                data += piece
                content = decoder.feed(piece)
    except (ChunkError, OSError) as error:
        raise NoResponseError(504 if stream.expired else 502, try_others=False) from error
    return data, content
