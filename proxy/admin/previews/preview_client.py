"""The client of a request that is not sent: what the steps of middlewares may ask it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from proxy.http1.content_decoder import content_decoder
from proxy.http1.limits import Limits
from proxy.per_request.extras import Extras, ResponseStep
from proxy.telemetry.tallies import Tally

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.request import Request
    from proxy.net.client_gone import Awaited
    from proxy.net.client_stream import ClientStream
    from proxy.telemetry.tracing.trace import Trace


class RecordingExtras(Extras):
    """Extras that keep the response steps apart, so that they can be told which middleware added."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[ResponseStep] = []

    def at_response(self, step: ResponseStep) -> None:
        """Record the step."""
        self.added.append(step)


class PreviewClient:
    """A client at `peer`, empty if it is unknown, for a request to `router`.

    `lines` are the lines about the client that the proxy would add to the request. No step that is run for a
    preview reads from the stream.
    """

    awaiting: Awaited | None = None
    buffer = b""
    entry_point = ""
    gone = False
    stream: ClientStream
    timeouts: ClientTimeouts

    def __init__(
        self, context: WorkerContext, peer: str, lines: bytes, router: str = "", *, tls: bool = False
    ) -> None:
        self.context = context
        self.peer = peer
        self.limits = Limits()
        self.status = 0
        self.username = b""
        self.tally = Tally(router)
        self.recorded = RecordingExtras()
        self.extras: Extras | None = self.recorded
        self.tls = "TLS" if tls else ""
        self._lines = lines

    def fork(self) -> PreviewClient:
        """Return the same client at a point where the request may take one of several ways."""
        other = copy(self)
        other.extras = other.recorded = copy(self.recorded)
        other.recorded.added = []
        return other

    def forwarded(self, host: bytes) -> bytes:
        """Return the lines that describe this client to a server."""
        del host
        return self._lines

    def detailed_trace(self) -> Trace | None:
        """Return None: previews are not traced."""
        return None

    def watch(self) -> None:
        """Do nothing: no client waits."""

    def recv(self) -> bytes:
        """Return the end of the request: its content is not known."""
        return b""

    def content_decoder(self, request: Request) -> ContentDecoder:
        """Return the decoder of an HTTP/1.1 request."""
        return content_decoder(request, self.limits.underscores)

    def send_interim(self, request: Request, head: bytes) -> None:
        """Send nothing: nobody waits for it."""
