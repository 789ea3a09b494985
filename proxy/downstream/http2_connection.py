"""A client's HTTP/2 connection: one greenlet reads it, stream handlers serve its streams.

What handlers send is queued, and leaves once in each turn of the event loop.
"""

from __future__ import annotations

import _socket
import logging
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
from gevent import get_hub

from proxy.downstream.connection import LINGER_BYTES, LINGER_SECONDS
from proxy.downstream.http2_request_stream import RequestStream
from proxy.downstream.http2_stream_handler import HandlerOwner
from proxy.downstream.serving import count_malformed, serve
from proxy.http2.errors import CANCEL, REFUSED_STREAM, ConnectionFault
from proxy.http2.server_connection import ServerConnection
from proxy.net.deadlines import NEVER, after
from proxy.net.queued_output import QueuedOutput

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.downstream.http2_stream_handler import StreamHandler
    from proxy.downstream.serving import RequestHandler
    from proxy.http1.errors import RequestError
    from proxy.http1.limits import Limits
    from proxy.http1.request import Request
    from proxy.http2.errors import StreamFault
    from proxy.http2.settings import LocalSettings
    from proxy.http2.stream import Stream as FramedStream
    from proxy.net.stream import Stream

log = logging.getLogger(__name__)

MAX_PARKED = 128
"""Handlers that wait for the next streams of a connection: as many as browsers have streams.

Each holds a few kilobytes, and to make one costs as much as a small request.
"""
PARKED_SECONDS = 5.0
"""Seconds after which the handlers of an idle connection end."""
_END_SECONDS = 1.0
"""Seconds that a client has to learn that it is to open no more streams."""
_PING = b"draining"


class Http2Connection(HandlerOwner):
    """One client connection that carries streams.

    `create` returns a handler for a stream that it gets, and `handle` responds to requests. `is_last`, if
    there is one, says of each request whether the connection may take another.

    The sweeper calls `expire` after `deadline`.
    """

    def __init__(
        self,
        stream: Stream,
        context: WorkerContext,
        timeouts: ClientTimeouts,
        settings: LocalSettings,
        limits: Limits,
        create: Callable[[RequestStream], StreamHandler],
        handle: RequestHandler,
        is_last: Callable[[], bool] | None = None,
    ) -> None:
        self.stream = stream
        self._context = context
        self._timeouts = timeouts
        self._create = create
        self._handle = handle
        self._is_last = is_last
        self._loop: Any = get_hub().loop
        self._output = QueuedOutput(stream)
        self._output.source = self
        self._parked: list[StreamHandler] = []
        self._ready: list[StreamHandler] = []
        self._counting_handler: StreamHandler | None = None
        self._busy = 0
        # No further streams are handled: after the open ones, or at once after a fault, the connection ends.
        self._leaving = self._failed = False
        self._greeted = self._announced = self._ending = self._closed = False
        self.deadline = NEVER
        self._idle_end = after(timeouts.read)
        stream.shutdown_mode = _socket.SHUT_RD
        stream.stall_limit = timeouts.stall
        stream.on_unread = None
        stream.deadline = self._idle_end
        self._core = ServerConnection(self, settings, limits, context.unread_content)
        context.sweeper.streams.add(self)

    def run(self, early: bytes) -> None:
        """Read the connection until either side ends it, then close it; `early` were received before."""
        try:
            self._read(early)
            if self._leaving:
                self._linger()
        finally:
            self._close()

    def refuse(self, code: int, reason: str) -> None:
        """Serve no request: tell the client why in a GOAWAY, and close the connection."""
        log.debug("an HTTP/2 connection of a client was refused: %s", reason)
        self._leaving = self._failed = True
        try:
            self._core.go_away(code, reason)
            self._linger()
        finally:
            self._close()

    def _read(self, early: bytes) -> None:
        stream, core = self.stream, self._core
        try:
            if self._context.draining:
                self.drain(self._context.drain_deadline)
            data = early or stream.recv()
            while data and not self._ending:
                core.receive(data)
                if not self._busy:
                    self._limit_idleness()
                data = stream.recv()
            if stream.expired:
                self.leave()
        except ConnectionFault as fault:
            log.debug("an HTTP/2 connection of a client ended: %s", fault)
            self._leaving = self._failed = True
            core.abort(fault.code)
        except OSError as error:
            log.debug("an HTTP/2 connection of a client broke: %s", error)

    def drain(self, idle_end: float) -> None:
        """End the connection after what the client has begun; `idle_end` (monotonic seconds) is the latest.

        The client first gets a GOAWAY that names no stream, because requests may be on their way (RFC 9113
        §6.8). The PING after it comes back when the client has read it.
        """
        if self._announced or self._leaving:
            return
        self._announced = True
        self._core.announce_end()
        self._core.ping(_PING)
        self.deadline = min(idle_end, after(_END_SECONDS))

    def leave(self) -> None:
        """Handle no streams but the open ones, and then end the connection."""
        if not self._leaving:
            self._leaving = True
            self._core.go_away()

    def expire(self) -> None:
        """Do what is due: the end of an announced drain, or that of handlers that nobody needs."""
        self.deadline = NEVER
        if self._announced:
            self.leave()
        if not self._busy:
            self._end_parked()

    # What the core asks

    def open_stream(self, stream: FramedStream, request: Request | RequestError, *, ended: bool) -> None:
        """Give the stream to a handler."""
        parked = self._parked
        handler = parked.pop() if parked else self._new_handler()
        handler.stream.begin(stream, ended=ended)
        handler.gone = False
        handler.pending = request
        if not self._busy:
            self.stream.deadline = NEVER
        self._busy += 1
        if handler.greenlet is None:
            handler.greenlet = gevent.spawn(self._serve, handler)
        else:
            if not self._ready:
                self._loop.run_callback(self._start_ready)
            self._ready.append(handler)
        if self._is_last is not None and self._is_last():
            self.leave()

    def malformed_request(self, fault: StreamFault) -> None:
        """Count a request that was reset; one too many is no fault of the client."""
        if fault.code == REFUSED_STREAM:
            return
        handler = self._counting_handler
        if handler is None:
            handler = self._counting_handler = self._new_handler()
            handler.stream.retire()
        count_malformed(handler, 400)

    def settings_received(self) -> None:
        """Wait for requests from now on."""
        if not self._greeted:
            self._greeted = True
            if not self._busy:
                self._become_idle()

    def peer_goes_away(self, last_stream_id: int, code: int) -> None:
        """Do nothing: it concerns streams that only a server would open."""

    def ping_acknowledged(self, payload: bytes) -> None:
        """Handle no further streams if the client has read that it is to open none."""
        if payload == _PING and self._announced:
            self.leave()

    # What the handlers ask

    def park(self, handler: StreamHandler) -> bool:
        self._finish_stream()
        if self._leaving or self._closed or len(self._parked) >= MAX_PARKED:
            return False
        self._parked.append(handler)
        return True

    # Streams

    def _new_handler(self) -> StreamHandler:
        handler = self._create(RequestStream(self.stream, self._context.sweeper, self._timeouts.stall))
        handler.owner = self
        return handler

    def _serve(self, handler: StreamHandler) -> None:
        """Serve streams until the handler ends; `serve` also returns when a client takes a request back."""
        try:
            while not handler.ended:
                serve(handler, self._handle)
        finally:
            if not handler.ended:
                # An error of ours, which the event loop logs.
                self._finish_stream()
            handler.stream.retire()

    def _start_ready(self) -> None:
        """Let parked handlers begin with their streams; the event loop calls this."""
        ready, self._ready = self._ready, []
        for handler in ready:
            handler.greenlet.switch()

    def _finish_stream(self) -> None:
        self._busy -= 1
        if not self._busy:
            self._become_idle()
            self._end_if_done()

    def _become_idle(self) -> None:
        if self._failed or self._ending:
            # The time for the end runs already.
            return
        now = monotonic()
        self._idle_end = now + self._timeouts.idle if self._timeouts.idle else NEVER
        self._limit_idleness()
        if not self._announced:
            self.deadline = now + PARKED_SECONDS

    def _limit_idleness(self) -> None:
        """Limit the wait for the next request, and for the rest of one that has begun."""
        stream = self.stream
        if self._core.is_within_message:
            stream.deadline = min(stream.deadline, self._idle_end, after(self._timeouts.read))
        else:
            stream.deadline = self._idle_end

    def _end_parked(self) -> None:
        parked, self._parked = self._parked, []
        for handler in parked:
            self._loop.run_callback(handler.greenlet.switch)

    # Output

    def has_output(self) -> None:
        self._output.schedule()

    def take_output(self) -> bytes:
        return self._core.output.take()

    def resume(self) -> None:
        self._core.output.resume()
        self._end_if_done()

    # The end

    def _end_if_done(self) -> None:
        """End the sending side if nothing is left to send; the reading greenlet then ends the connection."""
        if (
            self._leaving
            and not self._ending
            and not self._output.blocked
            and not self._core.output.queued
            and (self._failed or not self._busy)
        ):
            self._ending = True
            self.stream.shutdown(_socket.SHUT_WR)
            self.stream.deadline = after(LINGER_SECONDS)

    def _linger(self) -> None:
        """Read on for a while, so that no reset destroys what was sent last (RFC 9113 §6.8)."""
        stream = self.stream
        if self._failed:
            stream.deadline = after(LINGER_SECONDS)
        left = LINGER_BYTES
        try:
            while left > 0 and (data := stream.recv()):
                left -= len(data)
        except OSError as error:
            log.debug("an HTTP/2 connection of a client broke at its end: %s", error)

    def _close(self) -> None:
        self._closed = True
        self._core.abort(CANCEL)
        self._output.flush()
        self._output.stop()
        self._end_parked()
        self._context.sweeper.streams.discard(self)
        self.stream.close()
