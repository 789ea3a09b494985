"""An HTTP transport for python-consul2 whose calls another thread can interrupt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests
from consul import base
from msgspec import Struct

from discovery.connections.addresses import is_loopback
from discovery.consul.endpoint import Endpoint
from discovery.http_client.open_sockets import OpenSockets
from discovery.http_client.requests_adapter import InterruptibleAdapter

CONNECT_TIMEOUT = 5.0
RESPONSE_TIMEOUT = 10.0
"""Seconds within which a response must arrive. Blocking queries add their wait, and the sixteenth of it that
Consul may add as jitter.
"""


def _with_body(method: str) -> Callable[..., Any]:
    """Return the method of python-consul2's HTTP client that sends `data` with this HTTP method."""

    def request(
        self: Transport,
        callback: Callable[[Any], Any],
        path: str,
        params: Any = None,
        data: Any = "",
        headers: Any = None,
    ) -> Any:
        return callback(self.request(method, path, params, headers, data))

    return request


class Transport(base.HTTPClient):  # type: ignore[misc]  # the library has no types
    """Connections to one agent's HTTP API. Calls raise errors of requests and python-consul2.

    Calls must come from one thread; only `abort` may come from another.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        super().__init__(host, endpoint.port, endpoint.scheme)
        self._sockets = OpenSockets()
        self._session = requests.Session()
        # The environment's proxies, .netrc and CA bundles are meant for external servers, not for a nearby
        # agent.
        self._session.trust_env = False
        self._adapter = InterruptibleAdapter(self._sockets)
        if is_loopback(endpoint.host):
            # On loopback, compressing and decompressing a large response takes longer than sending it.
            self._session.headers["Accept-Encoding"] = "identity"
        tls = endpoint.tls
        self._verify = False if tls.insecure_skip_verify else (tls.ca or True)
        self._cert = (tls.cert, tls.key) if tls.cert and tls.key else tls.cert or None
        if endpoint.username or endpoint.password:
            self._session.auth = (endpoint.username, endpoint.password)

    def abort(self) -> None:
        """Interrupt a waiting call in another thread, and make every later call fail."""
        self._sockets.abort()

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    @property
    def aborted(self) -> bool:
        """Whether `abort` was called."""
        return self._sockets.aborted

    def get(self, callback: Callable[[Any], Any], path: str, params: Any = None, headers: Any = None) -> Any:
        return callback(self.request("GET", path, params, headers))

    put = _with_body("PUT")
    post = _with_body("POST")
    delete = _with_body("DELETE")

    def request(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, Any]] | None,
        headers: Mapping[str, str] | None,
        data: Any = None,
    ) -> Any:
        """Send a request; return the response in python-consul2's form."""
        request = requests.Request(method, self.uri(path, params), headers=headers, data=data)
        # `Session.request` also handles redirects and cookies, which would double the time of a call.
        response = self._adapter.send(
            self._session.prepare_request(request),
            timeout=(CONNECT_TIMEOUT, _read_timeout(params or ())),
            verify=self._verify,
            cert=self._cert,
        )
        return _Response(response.status_code, response.headers, response.content)


class _Response(Struct, frozen=True):
    """A response in python-consul2's form, which decodes its body to text only on access."""

    code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> str:
        return self.content.decode("utf-8", "replace")


def _read_timeout(params: Sequence[tuple[str, Any]]) -> float:
    wait = dict(params).get("wait")
    return (
        RESPONSE_TIMEOUT if wait is None else float(str(wait).removesuffix("s")) * 17 / 16 + RESPONSE_TIMEOUT
    )
