"""Relays a response whose body goes through filters on its way to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.exchange.body_portions import feed_in_portions
from proxy.exchange.response_relay import COMPLETE, CUT, WITH_EXCESS, Outcome, silence_timeout
from proxy.http1.body_decoder import BodyDecoder
from proxy.http1.chunked import ChunkError
from proxy.http1.response import UNTIL_CLOSE

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.body_filter import BodyFilter
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.net.stream import Stream


def relay_filtered(
    downstream: Downstream,
    request: Request,
    stream: Stream,
    response: Response,
    head: bytes,
    data: bytes,
    request_read: bool,
    body_filter: BodyFilter,
) -> Outcome:
    """Send `head` and the filtered body to the client, as `relay_body` does with a body without filters."""
    body = BodyDecoder(response.length)
    begun = False
    trailers: bytes | None = None
    outcome: Outcome | None = None
    unflushed = False
    with silence_timeout(downstream, stream):
        while True:
            try:
                piece = body.feed(data)
            except ChunkError:
                piece, outcome = b"", CUT
            filtered = feed_in_portions(body_filter, piece) if piece else b""
            unflushed = unflushed or bool(piece)
            if body.finished:
                outcome = WITH_EXCESS if body.excess else COMPLETE
            if outcome in (COMPLETE, WITH_EXCESS):
                trailers = body.trailers or stream.trailers
                if trailers:
                    trailers = body_filter.take_trailers(trailers)
                filtered += body_filter.finish()
            elif unflushed and (outcome is CUT or (response.length < 0 and _pauses(stream))):
                filtered += body_filter.flush()
                unflushed = False
            if begun:
                downstream.send_content(filtered, trailers)
            else:
                downstream.send_head(request, head, UNTIL_CLOSE, request_read, filtered, trailers)
                begun = True
            if outcome is not None:
                return outcome
            try:
                data = stream.recv()
            except OSError:
                outcome = CUT
                data = b""
            else:
                if not data:
                    outcome = COMPLETE if body.until_close and not stream.expired else CUT


def _pauses(stream: Stream) -> bool:
    """Return whether the server has sent nothing more yet; bytes of TLS may hold no content."""
    return not (stream.plain and stream.has_bytes())
