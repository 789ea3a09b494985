"""Sends a response whose content is an iterator of pieces, which a middleware has made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from proxy.background.cooperative_yield import CooperativeYield
from proxy.exchange.body_portions import feed_in_portions
from proxy.http1.body_source import close_pieces
from proxy.http1.response import UNTIL_CLOSE
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.body_filter import BodyFilter
    from proxy.http1.request import Request

# An iterator that never waits would otherwise keep other requests waiting.
_yield_to_requests = CooperativeYield(0.002)


class HasTrailers(Protocol):
    """A body with trailer lines after it, once it was read."""

    @property
    def trailers(self) -> bytes: ...


def send_pieces(
    downstream: Downstream,
    request: Request,
    head: bytes,
    pieces: Iterator[bytes],
    body_filter: BodyFilter | None,
    request_read: bool,
    source: HasTrailers | None = None,
) -> bool:
    """Send `head` and the pieces; return whether the client got all of them. Raises ClientGoneError.

    Incomplete content is cut short. The trailers of `source`, the body that the pieces are made of, follow
    them.
    """
    try:
        if request.method == b"HEAD":
            downstream.send_head(request, head, 0, request_read, b"")
            return True
        downstream.send_head(request, head, UNTIL_CLOSE, request_read, b"")
        for piece in pieces:
            if body_filter is not None and piece:
                downstream.send_content(feed_in_portions(body_filter, piece) + body_filter.flush())
            else:
                downstream.send_content(piece)
            _yield_to_requests()
        trailers = b"" if source is None else source.trailers
        downstream.send_content(b"" if body_filter is None else body_filter.finish(), trailers)
        return True
    except BodyError:
        downstream.cut_short()
        return False
    finally:
        close_pieces(pieces)
