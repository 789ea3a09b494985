"""A client for HTTP and HTTPS whose requests another thread can interrupt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError

from discovery.connections.keep_alive import KEEP_ALIVE
from discovery.http_client.errors import HttpError, to_http_error
from discovery.http_client.open_sockets import OpenSockets
from discovery.http_client.tls import client_context
from rondpoint.settings.tree.client_tls import ClientTls

_HEADERS = {"User-Agent": "Rondpoint", "Accept-Encoding": "gzip"}
_PART = 65536

CONNECT_TIMEOUT = 30.0
"""Seconds for a connection without another limit."""


class HttpClient:
    """Connections to the servers of one source; the environment's proxies are not used.

    Calls must come from one thread; only `abort` may come from another. With `connections`, that many threads
    may call `get` and `post` at the same time. `peer` is the subject of messages, and may change.
    """

    def __init__(self, peer: str, tls: ClientTls | None = None, connections: int = 1) -> None:
        self.peer = peer
        self._sockets = OpenSockets()
        self._manager = PoolManager(
            maxsize=connections,
            retries=False,
            socket_options=KEEP_ALIVE,
            ssl_context=None if tls is None else client_context(tls),
        )
        self._sockets.track(self._manager)

    def abort(self) -> None:
        """Interrupt a call in another thread, and make every later call fail."""
        self._sockets.abort()

    def close(self) -> None:
        """Close the connections that wait for further requests; another request opens a new one."""
        self._manager.clear()

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str], timeout: float | None) -> Iterator[BaseHTTPResponse]:
        """Send a GET request and yield the response, before its body has been read.

        `timeout` limits the seconds of the connection and of each silence; with None, only those of the
        connection are limited. Redirects are not followed.
        Raises HttpError, also for faults while the block reads the body.
        """
        with self._request("GET", url, headers, timeout) as response:
            yield response

    @contextmanager
    def post(
        self, url: str, headers: Mapping[str, str], timeout: float | None, body: bytes
    ) -> Iterator[BaseHTTPResponse]:
        """Send a POST request and yield the response, as `get` does."""
        with self._request("POST", url, headers, timeout, body) as response:
            yield response

    @contextmanager
    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        timeout: float | None,
        body: bytes | None = None,
    ) -> Iterator[BaseHTTPResponse]:
        written = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        try:
            response = self._manager.request(
                method,
                url,
                body=body,
                headers={**_HEADERS, **written},
                timeout=Timeout(connect=CONNECT_TIMEOUT if timeout is None else timeout, read=timeout),
                redirect=False,
                preload_content=False,
            )
            try:
                yield response
            finally:
                if response.length_remaining == 0:
                    # So the pool gets the connection back.
                    response.drain_conn()
                response.close()
        except (HTTPError, OSError) as error:
            raise to_http_error(error, self.peer) from error

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Interrupt calls of this block after `seconds`; 0 for no limit. Raises HttpError then."""
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._sockets.interrupt()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        if seconds:
            timer.start()
        try:
            yield
        except HttpError:
            if not expired.is_set():
                raise
        finally:
            timer.cancel()
        if expired.is_set():
            # The body may look complete: its end may be that of the connection.
            raise HttpError(f"{self.peer} does not respond within {seconds:g} s")


def read_body(response: BaseHTTPResponse, limit: int, too_large: Callable[[], HttpError]) -> bytes:
    """Return the decompressed body; raise `too_large()` beyond `limit` bytes, unless that is negative."""
    parts: list[bytes] = []
    size = 0
    for part in response.stream(_PART, decode_content=True):
        parts.append(part)
        size += len(part)
        if 0 <= limit < size:
            raise too_large()
    return b"".join(parts)
