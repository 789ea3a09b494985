"""HTTP to a CA within limits: of time, of size, and of whom to trust."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from discovery.acme.orders.ca_trust import create_context
from discovery.acme.orders.options import CaOptions

CONNECT_TIMEOUT = 30.0
MAX_BODY = 1024 * 1024
"""Bytes of a response's body; chains of certificates have some ten thousand."""
_PIECE = 64 * 1024


class CaTransport(HTTPAdapter):
    """Sends requests as `requests` asks for, and keeps what the library `acme` drops from responses.

    The timeouts of the options replace those of the caller: a CA that sends a byte now and then cannot hold
    its caller for longer than `options.timeout`.
    """

    def __init__(self, options: CaOptions) -> None:
        """Raises ValueError if a certificate authority in the options cannot be read."""
        self._options = options
        self._context = create_context(options)
        self.last_status = 0
        self.last_headers: Mapping[str, str] = {}
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Create the pool, with the context and the server name of the options."""
        options["ssl_context"] = self._context
        if self._options.server_name:
            options |= {
                "server_hostname": self._options.server_name,
                "assert_hostname": self._options.server_name,
            }
        super().init_poolmanager(connections, maxsize, block, **options)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the check to the context, which `requests` would extend with its own authorities."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request and read its response. Raises requests.RequestException."""
        deadline = time.monotonic() + self._options.timeout
        timeout = (min(CONNECT_TIMEOUT, self._options.timeout), self._options.header_timeout)
        self.last_status, self.last_headers = 0, {}
        # `verify` may be a path from REQUESTS_CA_BUNDLE, whose authorities would be trusted, too.
        response = super().send(request, True, timeout, True, cert, proxies)
        self.last_status, self.last_headers = response.status_code, response.headers
        response.raw = io.BytesIO(_read(response, deadline))
        return response


def _read(response: requests.Response, deadline: float) -> bytes:
    content = bytearray()
    try:
        for piece in response.raw.stream(_PIECE, decode_content=True):
            content += piece
            if len(content) > MAX_BODY:
                raise requests.RequestException(f"the response has more than {MAX_BODY} bytes")
            if time.monotonic() > deadline:
                raise requests.Timeout("the response took too long")
    except HTTPError as error:
        raise requests.ConnectionError(error) from error
    finally:
        response.close()
    return bytes(content)


def retry_at(headers: Mapping[str, str], now: float) -> float:
    """Return the time in `Retry-After` (RFC 9110 §10.2.3) in Unix seconds; 0 if there is none."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return 0.0
    if value.isascii() and value.isdigit():
        return now + min(int(value[:10]), 10**9)
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return 0.0
