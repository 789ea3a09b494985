"""Calls to a Mesos master's HTTP API, with errors that say what would help."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec import MsgspecError, Struct, json
from urllib3 import BaseHTTPResponse

from discovery.http_client.client import HttpClient
from discovery.http_client.errors import HttpError
from discovery.providers.mesos.record_io import RecordError, read_records
from discovery.providers.mesos.values import State, address_of
from rondpoint.settings import ClientTls

EVENTS = frozenset(
    ("SUBSCRIBED", "TASK_ADDED", "TASK_UPDATED", "AGENT_ADDED", "AGENT_REMOVED", "FRAMEWORK_REMOVED")
)
"""The events after which tasks or their addresses may differ."""

_STATE, _API = "/master/state", "/api/v1"
_REDIRECTS = frozenset((301, 302, 307, 308))
_MAX_REDIRECTS = 3
_NOT_LEADING = 503
_REFUSALS = (401, 403)
_PART = 65536
_MAX_TEXT = 200

T = TypeVar("T")


class NoStreamError(HttpError):
    """The master offers no event stream."""


class Event(Struct, frozen=True):
    type: str = ""


class MesosClient:
    """Calls to the leading master; from one thread, except for `abort`.

    `url` is any master's, without a slash at its end; it may have credentials. A master that is not leading
    sends the client to the leading one. `timeout` is in seconds.
    """

    def __init__(self, url: str, tls: ClientTls | None, timeout: float) -> None:
        self._url, self._headers = _split_credentials(url)
        self._timeout = timeout
        self._client = HttpClient(self._name, tls)

    @property
    def _name(self) -> str:
        return f"the Mesos master at {self._url}"

    def abort(self) -> None:
        """Interrupt a call in another thread, and make every later call fail."""
        self._client.abort()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def state(self, decode: Callable[[State], T]) -> T:
        """Read the state of the cluster, and return what `decode` makes of it. Raises HttpError."""
        state = self._read_state()
        if state.leader != state.pid:
            # Before Mesos 1.0, a master that is not leading responds with a state of its own.
            if not state.leader:
                raise HttpError(f"{self._name} knows no leading master", "Rondpoint tries again")
            scheme = urlsplit(self._url).scheme
            self._move(f"{scheme}://{address_of(state.leader)}")
            state = self._read_state()
        try:
            return decode(state)
        except MsgspecError as error:
            raise self._no_mesos(error) from None

    def events(self) -> Iterator[tuple[str, ...]]:
        """Yield the type of each event that may have changed tasks; SUBSCRIBED comes first.

        Raises NoStreamError if the master has no stream or refuses it, HttpError for other faults.
        """
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        # Compression could hold events back.
        headers["Accept-Encoding"] = "identity"
        # Masters before Mesos 1.5 may be silent for hours; TCP keep-alive notices a peer that has vanished.
        with self._open(_API, headers, None, b'{"type":"SUBSCRIBE"}') as response:
            if response.status != 200:
                raise NoStreamError(f"{self._name} offers no event stream (status {response.status})")
            try:
                for record in read_records(_parts(response)):
                    # A record that is too long to be read may be anything.
                    name = json.decode(record, type=Event).type if record else "SUBSCRIBED"
                    if name in EVENTS:
                        yield (name,)
            except (RecordError, MsgspecError) as error:
                raise self._no_mesos(error) from None

    def _read_state(self) -> State:
        with self._open(_STATE, {}, self._timeout, None) as response:
            if response.status in _REFUSALS:
                raise HttpError(
                    f"{self._name} refuses the credentials",
                    "set them in the URL: http://USER:PASSWORD@HOST:5050",
                )
            if response.status != 200:
                text = " ".join(response.read().decode(errors="replace").split())[:_MAX_TEXT]
                raise HttpError(f"{self._name} responds with status {response.status}: {text}")
            try:
                return json.decode(response.read(), type=State)
            except MsgspecError as error:
                raise self._no_mesos(error) from None

    @contextmanager
    def _open(
        self, path: str, headers: Mapping[str, str], timeout: float | None, body: bytes | None
    ) -> Iterator[BaseHTTPResponse]:
        """Send a request to the leading master and yield the response. Raises HttpError."""
        for _ in range(_MAX_REDIRECTS):
            with self._send(path, headers, timeout, body) as response:
                if response.status == _NOT_LEADING:
                    raise HttpError(f"{self._name} knows no leading master", "Rondpoint tries again")
                if response.status not in _REDIRECTS:
                    yield response
                    return
                location = response.headers.get("Location", "")
            self._move(_base_of(location, path, urlsplit(self._url).scheme))
        raise HttpError(f"{self._name} redirects in circles")

    @contextmanager
    def _send(
        self, path: str, headers: Mapping[str, str], timeout: float | None, body: bytes | None
    ) -> Iterator[BaseHTTPResponse]:
        url, written = self._url + path, {**self._headers, **headers}
        if body is None:
            with self._client.get(url, written, timeout) as response:
                yield response
        else:
            with self._client.post(url, written, timeout, body) as response:
                yield response

    def _move(self, url: str) -> None:
        """Use another master from now on. Raises HttpError."""
        if not urlsplit(url).netloc or (self._url.startswith("https:") and not url.startswith("https:")):
            raise HttpError(f"{self._name} redirects to {url!r}")
        self._url = url
        self._client.peer = self._name

    def _no_mesos(self, error: Exception) -> HttpError:
        return HttpError(f"the server at {self._url} is not Mesos's API: {error}", "is this the right URL?")


def _parts(response: BaseHTTPResponse) -> Iterator[bytes]:
    while part := response.read1(_PART):
        yield part


def _base_of(location: str, path: str, scheme: str) -> str:
    """Return the URL of the master to which a response to `path` redirects."""
    parts = urlsplit(location, scheme)
    prefix = parts.path.removesuffix(path) if parts.path.endswith(path) else ""
    # For `/api/v1`, a master writes `/master/api/v1`.
    return urlunsplit((parts.scheme, parts.netloc, prefix.removesuffix("/master"), "", ""))


def _split_credentials(url: str) -> tuple[str, Mapping[str, str]]:
    """Return the URL without its credentials, and the headers that have them."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    own = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return own, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
