"""A client of the Kubernetes API whose calls another thread can interrupt; objects are plain JSON."""

from __future__ import annotations

import random
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import httpx2 as httpx
import msgspec
from msgspec import Struct

from discovery.connections.keep_alive import KEEP_ALIVE
from discovery.kubernetes.cluster import Cluster
from discovery.kubernetes.errors import BadResponseError, ClosedError, GoneError, UnreachableError
from discovery.kubernetes.faults import status_error, transport_error
from discovery.kubernetes.resources import Resource
from discovery.kubernetes.selection import Selection

Object = Mapping[str, Any]
"""An object of the API as plain JSON; nothing may change it."""

PAGE = 500
"""Objects in one response to a list."""

CONNECT_TIMEOUT = 5.0
RESPONSE_TIMEOUT = 15.0
WATCH_TIME = 300
"""Seconds after which the API server ends a watch, or up to half as long again; a new watch continues it.

The random part keeps several watches from ending at the same time.
"""


class Listing(Struct, frozen=True):
    """All objects of a selection, and the resource version of the list."""

    items: tuple[Object, ...]
    version: str


class Event(Struct, frozen=True):
    """A change that a watch reports: `ADDED`, `MODIFIED` or `DELETED` with the object, or a `BOOKMARK`.

    `version` is the resource version from which a next watch continues.
    """

    type: str
    item: Object
    version: str


class Client:
    """Connections to one API server.

    Calls must come from one thread; only `abort` may come from another. Clients of one cluster may share
    `tls`, since it takes long to read all authorities of the system.
    """

    def __init__(self, cluster: Cluster, tls: ssl.SSLContext | None = None) -> None:
        self.cluster = cluster
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._lock = threading.Lock()
        self._aborted = threading.Event()
        self._http = httpx.Client(
            base_url=cluster.url,
            auth=cluster.authentication(),
            timeout=httpx.Timeout(RESPONSE_TIMEOUT, connect=CONNECT_TIMEOUT),
            # The environment's proxies and .netrc are meant for external servers.
            trust_env=False,
            transport=httpx.HTTPTransport(
                verify=tls or cluster.tls(), trust_env=False, socket_options=KEEP_ALIVE
            ),
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def abort(self) -> None:
        """Interrupt a waiting call in another thread, and make every later call fail."""
        self._aborted.set()
        with self._lock:
            opened = list(self._sockets)
        for each in opened:
            _shut_down(each)

    def pause(self, seconds: float) -> None:
        """Wait. Raises ClosedError after `abort`."""
        if self._aborted.wait(seconds):
            raise ClosedError("the client was closed")

    def list(self, selection: Selection) -> Listing:
        """Return all objects of a selection, read in pages. Raises KubernetesError."""
        try:
            return self._list(selection, PAGE)
        except GoneError:
            # The pages took longer than the API server keeps their version. One page has no continuation.
            return self._list(selection, 0)

    def _list(self, selection: Selection, page: int) -> Listing:
        items: list[Object] = []
        query = _query(selection) | ({"limit": str(page)} if page else {})
        while True:
            with self._call("list", selection):
                response = self._http.get(_path(selection), params=query, extensions=self._extensions)
                if response.status_code != httpx.codes.OK:
                    raise status_error(
                        response.status_code, response.content, self.cluster.url, "list", selection
                    )
                found = msgspec.json.decode(response.content)
                items += found.get("items") or ()
                following = found["metadata"].get("continue")
                version = str(found["metadata"].get("resourceVersion") or "")
            if not following:
                return Listing(tuple(items), version)
            query["continue"] = following

    def watch(self, selection: Selection, version: str) -> Iterator[Event]:
        """Yield the changes of a selection since `version`, until the API server ends the watch.

        Raises GoneError if the version is too old, and UnreachableError if the connection breaks.
        """
        seconds = WATCH_TIME + random.randrange(WATCH_TIME // 2)  # noqa: S311 (no secret depends on it)
        query = _query(selection) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        timeout = httpx.Timeout(RESPONSE_TIMEOUT, connect=CONNECT_TIMEOUT, read=seconds + RESPONSE_TIMEOUT)
        with (
            self._call("watch", selection),
            self._http.stream(
                "GET", _path(selection), params=query, timeout=timeout, extensions=self._extensions
            ) as response,
        ):
            if response.status_code != httpx.codes.OK:
                content = response.read()
                raise status_error(response.status_code, content, self.cluster.url, "watch", selection)
            for line in _lines(response.iter_bytes()):
                yield self._event(line, selection)

    def _event(self, line: bytes, selection: Selection) -> Event:
        decoded = msgspec.json.decode(line)
        kind, item = decoded["type"], decoded["object"]
        if kind == "ERROR":
            code = int(item.get("code") or 0)
            raise status_error(code, msgspec.json.encode(item), self.cluster.url, "watch", selection)
        return Event(kind, item, str(item["metadata"].get("resourceVersion") or ""))

    def put_status(self, resource: Resource, item: Object) -> None:
        """Replace the status of an object with that of `item`. Raises KubernetesError."""
        metadata = item["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        selection = Selection(resource, namespace)
        with self._call("update", selection):
            response = self._http.put(
                resource.path(namespace, name, "status"),
                # Items of a list do not say what they are.
                content=msgspec.json.encode(
                    {"apiVersion": resource.api_version, "kind": resource.kind, **item}
                ),
                headers={"Content-Type": "application/json"},
                extensions=self._extensions,
            )
            if not response.is_success:
                raise status_error(
                    response.status_code, response.content, self.cluster.url, "update", selection, "/status"
                )

    @property
    def _extensions(self) -> dict[str, Any]:
        return {"trace": self._track}

    def _track(self, name: str, info: Mapping[str, Any]) -> None:
        """Remember each opened socket, so that `abort` finds it even if it waits for a response."""
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            opened = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets.add(opened)
            if self._aborted.is_set():
                _shut_down(opened)

    @contextmanager
    def _call(self, verb: str, selection: Selection) -> Iterator[None]:
        if self._aborted.is_set():
            raise ClosedError("the client was closed")
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            if self._aborted.is_set():
                raise ClosedError("the client was closed") from error
            raise transport_error(error, self.cluster.url) from error
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadResponseError(
                f"the server at {self.cluster.url} responds to {verb} {selection} not as the Kubernetes API",
                "is this the address of an API server?",
            ) from error


def _query(selection: Selection) -> dict[str, str]:
    return {"labelSelector": selection.label_selector} if selection.label_selector else {}


def _path(selection: Selection) -> str:
    return selection.resource.path(selection.namespace)


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield each line in these bytes once it is complete. Raises UnreachableError for half a line."""
    pending: list[bytes] = []
    for chunk in chunks:
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            whole = b"".join((*pending, line)).strip()
            pending.clear()
            if whole:
                yield whole
        if rest:
            pending.append(rest)
    if pending:
        raise UnreachableError("the Kubernetes API ended a watch in the middle of an event")


def _shut_down(opened: socket.socket) -> None:
    try:
        # The plain socket's method: TLS would send a close alert, from a thread that does not own the
        # connection.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
    except OSError:
        return  # The peer had already closed the connection.
