"""The request of the data path as the value that Python middlewares get, and may change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from proxy.http1.header_changes import HeaderChanges
from proxy.http1.header_lines import without
from proxy.http1.request import HOST
from proxy.middlewares.client_body import BufferedContent, ClientBody, open_content
from proxy.middlewares.client_scheme import client_scheme
from proxy.middlewares.python.named_pieces import NamedPieces
from proxy.per_request.extras import ProducedContent, extras_of
from rondpoint.middleware.headers import Headers
from rondpoint.middleware.request import Request as PublicRequest

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

# The proxy itself adds lines with these names to a request, after the middlewares.
_ADDED = ("x-forwarded-", "x-real-ip", "x-request-id")


class ProxiedRequest(PublicRequest):
    """A request of a client; most of its attributes are read from the data path only when they are used."""

    __slots__ = ("_headers_as_received", "_raw", "_sender", "_source", "_target_as_sent")

    def __init__(self, request: Request, client: Client) -> None:
        self._raw = request
        self._sender = client
        self._target_as_sent = target = request.target.decode("latin-1")
        self._path, _, self._query = target.partition("?")
        self._headers = self._headers_as_received = Headers.from_lines(request.headers)
        self.username = ""
        self._source, pieces = open_content(request, client)
        self._content: bytes | Iterator[bytes] = b"" if self._source is None else pieces

    @property
    def method(self) -> str:
        return self._raw.method.decode("latin-1")

    @property
    def client(self) -> str:
        return self._sender.peer

    @property
    def forwarded(self) -> Headers:
        sender = self._sender
        lines = sender.forwarded(self._raw.host)
        return Headers.from_lines(
            lines if sender.extras is None else sender.extras.apply_forwarded_steps(lines)
        )

    @property
    def scheme(self) -> str:
        return client_scheme(self._raw, self._sender).decode("latin-1")

    @property
    def context(self) -> dict[str, Any]:
        extras = extras_of(self._sender)
        if extras.context is None:
            extras.context = {}
        return extras.context

    def apply(self, name: str) -> None:
        """Make the changes of the middleware `name` those of the request on the data path.

        Raises ValueError for a request that cannot be sent, and BodyError.
        """
        raw = self._raw
        path, _, query = self._target_as_sent.partition("?")
        if (self._path, self._query) != (path, query):
            raw.target = self.target.encode("latin-1")
        if self._headers.changed or self._headers is not self._headers_as_received:
            self._apply_headers()
        self.apply_username()
        self._apply_body(name)

    def apply_username(self) -> None:
        """Leave the name of the user, if the middleware has set one, for the access log."""
        if self.username:
            self._sender.username = str(self.username).encode("utf-8", "replace")

    def abandon_body(self) -> None:
        """Leave the request as one whose body was read as far as the middleware has read it."""
        raw, source = self._raw, self._source
        if source is None or isinstance(source, BufferedContent):
            return
        if source.started and source.finished:
            raw.content_length, raw.chunked = 0, False
        elif source.started:
            raw.keep_alive = False

    def _apply_headers(self) -> None:
        raw, headers = self._raw, self.headers
        hosts = headers.get_all("Host")
        if raw.host and (len(hosts) != 1 or not HOST.fullmatch(hosts[0].encode("utf-8", "surrogateescape"))):
            raise ValueError(f"a request needs one valid Host header, not {hosts}")
        raw.headers = headers.to_lines()
        added = {name: "" for name in headers if name.lower().startswith(_ADDED)}
        if added:
            extras_of(self._sender).at_forwarding(HeaderChanges(added).apply)

    def _apply_body(self, name: str) -> None:
        raw, source, content = self._raw, self._source, self._content
        started = source is not None and source.started
        if started:
            # If the client waits for 100 Continue, it has got that of the proxy.
            raw.headers = without(raw.headers, b"expect")
        if isinstance(content, bytes):
            if content or raw.has_body:
                self._send_content(content)
        elif content is not source or started:
            self._send_pieces(name, content)

    def _send_content(self, content: bytes) -> None:
        """Send this content, of known length, in place of the client's."""
        raw, client = self._raw, self._sender
        # The client's own content must not stand before its next request.
        for _ in self._source or ():
            pass
        if client.extras is not None:
            client.extras.produced_content = client.extras.request_content = None
        # The rest may have come only after the 100 Continue of the proxy.
        raw.headers = without(without(raw.headers, b"expect"), b"trailer")
        raw.chunked, raw.content_length = False, len(content)
        client.buffer = content + client.buffer

    def _send_pieces(self, name: str, content: Iterator[bytes]) -> None:
        """Send these pieces in chunks, while they are made."""
        raw = self._raw
        extras = extras_of(self._sender)
        produced = extras.produced_content
        if produced is not None and content is produced.pieces:
            return
        pieces = content
        if content is not self._source:
            pieces = NamedPieces(name, content)
            extras.call_at_end(pieces.close)
            if not raw.has_body and pieces.is_empty():
                # A middleware for bodies of all requests has met one without.
                return
        extras.produced_content = ProducedContent(pieces, self._source or ClientBody(raw, self._sender))
        raw.headers = without(raw.headers, b"trailer")
        raw.chunked, raw.content_length = True, -1
