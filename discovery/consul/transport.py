"""python-consul2's HTTP client over connections that another thread can break off."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import requests
from consul import base
from msgspec import Struct
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from discovery.consul.endpoint import Endpoint

CONNECT_TIMEOUT = 5.0
RESPONSE_TIMEOUT = 10.0
"""Seconds within which an answer comes; a blocking query has its wait, and Consul's sixteenth of it, more."""

_KEEP_ALIVE = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # A blocking query is silent for minutes: only the kernel notices meanwhile that the peer has gone.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]


def _with_body(method: str) -> Callable[..., Any]:
    """The method of python-consul2's clients that sends `data` so."""

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
    """One agent's HTTP API; calls raise requests' and python-consul2's errors.

    Calls come from one thread; only `abort` may come from another.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        super().__init__(host, endpoint.port, endpoint.scheme)
        self._sockets = _Sockets()
        self._session = requests.Session()
        # Proxies, .netrc and bundles of the environment are meant for the outside, not for an agent nearby.
        self._session.trust_env = False
        self._adapter = _Adapter(self._sockets)
        if _is_loopback(endpoint.host):
            # Consul takes longer to compress a large answer than to write it, and we to unpack it.
            self._session.headers["Accept-Encoding"] = "identity"
        tls = endpoint.tls
        self._verify = False if tls.insecure_skip_verify else (tls.ca or True)
        self._cert = (tls.cert, tls.key) if tls.cert and tls.key else tls.cert or None
        if endpoint.username or endpoint.password:
            self._session.auth = (endpoint.username, endpoint.password)

    def abort(self) -> None:
        """Break off what another thread waits for, and let nothing be asked any more."""
        self._sockets.abort()

    def close(self) -> None:
        self._adapter.close()

    @property
    def aborted(self) -> bool:
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
        """The answer, in the form that python-consul2 wants."""
        request = requests.Request(method, self.uri(path, params), headers=headers, data=data)
        # The session's own `request` looks after redirects and cookies, which takes as long as all the rest.
        answer = self._adapter.send(
            self._session.prepare_request(request),
            timeout=(CONNECT_TIMEOUT, _read_timeout(params or ())),
            verify=self._verify,
            cert=self._cert,
        )
        return _Response(answer.status_code, answer.headers, answer.content)


class _Response(Struct, frozen=True):
    """As python-consul2's, but that text is made of what is asked for as text alone."""

    code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> str:
        return self.content.decode("utf-8", "replace")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_timeout(params: Sequence[tuple[str, Any]]) -> float:
    wait = dict(params).get("wait")
    return (
        RESPONSE_TIMEOUT if wait is None else float(str(wait).removesuffix("s")) * 17 / 16 + RESPONSE_TIMEOUT
    )


class _Sockets:
    """The open sockets of one transport."""

    def __init__(self) -> None:
        self.aborted = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def add(self, opened: socket.socket) -> None:
        with self._lock:
            self._open.add(opened)
            aborted = self.aborted
        if aborted:
            _shut_down(opened)

    def remove(self, closed: socket.socket) -> None:
        with self._lock:
            self._open.discard(closed)

    def abort(self) -> None:
        with self._lock:
            self.aborted = True
            for each in self._open:
                _shut_down(each)


def _shut_down(opened: socket.socket) -> None:
    try:
        # The plain socket's own: TLS would want to say goodbye, from a thread that is not its own.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
    except OSError:
        return  # The peer was faster.


class _Adapter(HTTPAdapter):
    """Pools whose connections note their sockets."""

    def __init__(self, sockets: _Sockets) -> None:
        self._sockets = sockets
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, socket_options=_KEEP_ALIVE, **options)
        sockets = self._sockets

        class Plain(_TrackedConnection, HTTPConnection):
            open_sockets = sockets

        class Secure(_TrackedConnection, HTTPSConnection):
            open_sockets = sockets

        plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
        secure = type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": plain, "https": secure}


class _TrackedConnection:
    """A connection that notes its socket while it is open."""

    open_sockets: _Sockets
    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # urllib3's, beside this one
        self.open_sockets.add(self.sock)

    def close(self) -> None:
        if self.sock is not None:
            self.open_sockets.remove(self.sock)
        super().close()  # type: ignore[misc]
