"""Client for the HTTP gateway of etcd's API v3: keys below a prefix, and a watch for their changes.

etcd3gw is not used: its watch passes over the cancellation after a compaction and the end of the connection,
and no other thread can end it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import requests
import urllib3
from msgspec import Struct

from discovery.connections.addresses import is_loopback
from discovery.connections.errors import causes
from discovery.http_client.open_sockets import OpenSockets
from discovery.http_client.requests_adapter import InterruptibleAdapter
from discovery.providers.errors import ProviderError
from discovery.providers.etcd.endpoint import Endpoint
from discovery.providers.etcd.faults import NoSuchRevisionError, refusal, to_provider_error
from discovery.providers.etcd.messages import (
    Failure,
    KeyValue,
    Range,
    StreamMessage,
    Token,
    Version,
    Watched,
    decode,
)

CONNECT_TIMEOUT = 5.0
RESPONSE_TIMEOUT = 10.0
WATCH_TIMEOUT = 30.0
"""Seconds without a change after which a watch is begun anew, which finds a member that is frozen."""

_FAULTS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, msgspec.MsgspecError, ValueError)
_NO_USERS = "authentication is not enabled"
_OLD_TOKEN = "invalid auth token"  # noqa: S105 (a message of etcd)
_PATHS = (((3, 4), "/v3"), ((3, 3), "/v3beta"))
_OLDEST_PATH = "/v3alpha"

T = TypeVar("T")


class Snapshot(Struct, frozen=True):
    """All keys below a prefix at one revision."""

    entries: tuple[KeyValue, ...]
    revision: int

    @property
    def keys(self) -> Mapping[str, bytes]:
        return {each.name: each.value for each in self.entries}

    @property
    def newest(self) -> KeyValue | None:
        """The key that was written last."""
        return max(self.entries, key=lambda each: int(each.mod_revision), default=None)


class EtcdClient:
    """A client of one member, for keys below one prefix. Calls raise ProviderError.

    Calls must come from one thread; only `abort` may come from another.
    """

    def __init__(self, endpoint: Endpoint, prefix: str) -> None:
        """Open no connection yet; `prefix` is empty or ends in a slash."""
        self._endpoint = endpoint
        self._prefix = prefix
        self._range = _range_below(prefix)
        self._sockets = OpenSockets()
        self._session = requests.Session()
        # The environment's proxies and CA bundles are meant for external servers.
        self._session.trust_env = False
        adapter = InterruptibleAdapter(self._sockets)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)
        # Without it, the gateway ends no watch of a member that has lost the cluster.
        self._session.headers["Grpc-Metadata-hasleader"] = "true"
        if is_loopback(endpoint.address.host):
            self._session.headers["Accept-Encoding"] = "identity"
        tls = endpoint.tls
        if tls is not None:
            self._session.verify = False if tls.insecure_skip_verify else (tls.ca or True)
            self._session.cert = (tls.cert, tls.key) if tls.cert and tls.key else tls.cert or None
        self._path = ""
        self._token_is_new = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def abort(self) -> None:
        """Interrupt a waiting call in another thread, and make every later call fail."""
        self._sockets.abort()

    def keys(self) -> Snapshot:
        """Return all keys below the prefix."""
        found = self._call("/kv/range", self._range, Range)
        return Snapshot(found.kvs, int(found.header.revision))

    def has_written(self, known: KeyValue) -> bool:
        """Check whether the key was written with its value at its revision."""
        at = {"key": base64.b64encode(known.key).decode(), "revision": known.mod_revision}
        try:
            return self._call("/kv/range", at, Range).kvs == (known,)
        except NoSuchRevisionError:
            return False

    def watch(self, revision: int) -> Iterator[Watched]:
        """Yield the changes from `revision` on; end after a while without one, or with a new token.

        Raises NoSuchRevisionError if etcd has compacted the revision, so keys must be read anew.
        """
        request = {**self._range, "start_revision": str(revision)}
        try:
            with self._post("/watch", {"create_request": request}, stream=True) as response:
                for line in _lines(response):
                    message = decode(line, StreamMessage)
                    if message.error is not None:
                        raise refusal(message.error.message, self._endpoint, self._prefix)
                    if message.result is None:
                        continue
                    if self._is_outdated(message.result):
                        self._authenticate()
                        return
                    yield self._checked(message.result)
        except _FAULTS as error:
            if _is_idle(error):
                return
            raise to_provider_error(error, self._endpoint) from error
        raise ProviderError(f"etcd at {self._endpoint} ended the watch")

    def _is_outdated(self, message: Watched) -> bool:
        """Check whether etcd refuses a watch because the token has expired; a new one is refused for good."""
        refused = message.canceled and _OLD_TOKEN in message.cancel_reason
        outdated, self._token_is_new = refused and not self._token_is_new, refused
        return outdated

    def _checked(self, message: Watched) -> Watched:
        """Return the message, or raise the reason for which etcd has cancelled the watch."""
        if not message.canceled:
            return message
        if int(message.compact_revision):
            raise NoSuchRevisionError(f"etcd at {self._endpoint} has compacted its history")
        raise refusal(message.cancel_reason, self._endpoint, self._prefix)

    def _call(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        try:
            with self._post(path, body) as response:
                return decode(response.content, kind)
        except _FAULTS as error:
            raise to_provider_error(error, self._endpoint) from error

    def _post(self, path: str, body: Mapping[str, Any], *, stream: bool = False) -> requests.Response:
        """Send a request, with a new token if the last one has expired; raise an error of etcd."""
        if not self._path:
            self._connect()
        response = self._send(path, body, stream=stream)
        if not response.ok and self._endpoint.username and _OLD_TOKEN in _reason(response):
            self._authenticate()
            response = self._send(path, body, stream=stream)
        if not response.ok:
            raise refusal(_reason(response), self._endpoint, self._prefix)
        return response

    def _send(self, path: str, body: Mapping[str, Any], *, stream: bool = False) -> requests.Response:
        return self._session.post(
            f"{self._endpoint}{self._path}{path}",
            data=msgspec.json.encode(body),
            timeout=(CONNECT_TIMEOUT, WATCH_TIMEOUT if stream else RESPONSE_TIMEOUT),
            stream=stream,
            allow_redirects=False,
        )

    def _connect(self) -> None:
        """Find the path of the API, which depends on the version, and log in."""
        response = self._session.get(
            f"{self._endpoint}/version", timeout=(CONNECT_TIMEOUT, RESPONSE_TIMEOUT), allow_redirects=False
        )
        version = tuple(map(int, decode(response.content, Version).etcdserver.split(".")[:2]))
        self._path = next((path for oldest, path in _PATHS if version >= oldest), _OLDEST_PATH)
        if self._endpoint.username:
            self._authenticate()

    def _authenticate(self) -> None:
        self._session.headers.pop("Authorization", None)
        user = {"name": self._endpoint.username, "password": self._endpoint.password}
        response = self._send("/auth/authenticate", user)
        if response.ok:
            self._session.headers["Authorization"] = decode(response.content, Token).token
        elif _NO_USERS not in (reason := _reason(response)):
            raise refusal(reason, self._endpoint, self._prefix)


def _is_idle(error: BaseException) -> bool:
    """Check whether a watch has begun, and then sent nothing for a while."""
    # Before the head of the response, it is a `requests.Timeout`.
    return not isinstance(error, requests.Timeout) and any(
        isinstance(each, urllib3.exceptions.ReadTimeoutError) for each in causes(error)
    )


def _range_below(prefix: str) -> Mapping[str, str]:
    """Return the range of all keys that start with the prefix, which is empty or ends in a slash."""
    start = prefix.encode()
    # For etcd, the byte 0 as the start and as the end stands for all keys.
    end = start[:-1] + bytes((start[-1] + 1,)) if start else b"\0"
    return {
        "key": base64.b64encode(start or b"\0").decode(),
        "range_end": base64.b64encode(end).decode(),
    }


def _reason(response: requests.Response) -> str:
    try:
        return decode(response.content, Failure).error
    except msgspec.MsgspecError:
        return f"{response.status_code} {response.reason}"


def _lines(response: requests.Response) -> Iterator[bytes]:
    """Yield the lines of a response as they arrive."""
    pending = bytearray()
    for chunk in response.iter_content(None):
        pending += chunk
        *lines, rest = pending.split(b"\n")
        pending = rest
        yield from (bytes(line) for line in lines if line.strip())
