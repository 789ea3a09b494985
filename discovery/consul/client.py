"""Client for Consul's HTTP API: catalogue, health, keys, and the local agent's services.

In python-consul2's constructor, environment variables override the arguments, so two agents could not be
used. Its transport cannot be interrupted. Both are replaced here. Its calls are used, except for those that
`docs/consul.md` names.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import consul
import msgspec
import requests
import urllib3
from consul.base import CB
from msgspec import Struct

from discovery.consul.catalogue_entries import NodeOrNone, NodeServices, decode_node_services
from discovery.consul.endpoint import Endpoint
from discovery.consul.errors import BadResponseError, ClosedError, NoLeaderError, UnreachableError
from discovery.consul.faults import to_consul_error
from discovery.consul.transport import Transport

WAIT = 300.0
"""The longest wait of a blocking query in seconds (of Consul's 600): the query interval of an idle source."""

T = TypeVar("T")

_READ_CATALOGUE = "service:read and node:read on the services and nodes to read"
_FAULTS = (
    consul.ConsulException,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    msgspec.MsgspecError,
)
_node_decoder = msgspec.json.Decoder(NodeOrNone)

UNKNOWN = NodeServices()
"""The services on a node of which nothing is known."""


class QueryResult(Struct, Generic[T], frozen=True):
    """The result of a blocking query. Pass `index` to the next query; with 0 that one returns at once."""

    index: int
    data: T


class Client:
    """A client of one of `endpoints`; after a failed call, the next call uses the next endpoint.

    Calls raise ConsulError and nothing else. They must come from one thread; only `abort` may come from
    another. Blocking queries (those with an `index`) return at once for index 0, else after a change later
    than the index, or after `wait` seconds. If Consul's index runs backwards, the result's index is 0, as
    Consul requires.
    """

    def __init__(self, *endpoints: Endpoint, stale: bool = False, wait: float = WAIT) -> None:
        """Open no connection yet; with `stale` any server may respond, not only the leader."""
        if not endpoints:
            raise ValueError("a client needs an endpoint")
        self._endpoints = endpoints
        self._consistency = "stale" if stale else "default"
        self._wait = f"{wait:g}s"
        self._apis = [_ConsulApi(each, self._consistency) for each in endpoints]
        self._current = 0
        self._aborted = threading.Event()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint of the next call."""
        return self._endpoints[self._current]

    def abort(self) -> None:
        """Interrupt a waiting call in another thread, and refuse every later one; both raise ClosedError."""
        self._aborted.set()
        for api in self._apis:
            api.http.abort()

    def close(self) -> None:
        """Close all connections and refuse every later call."""
        self.abort()
        for api in self._apis:
            api.http.close()

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`, or until `abort`."""
        self._aborted.wait(seconds)

    def leader(self) -> str:
        """Return the address of the servers' leader. Raises NoLeaderError if there is none."""
        with self._api_call("nothing") as api:
            found: str = api.status.leader() or ""
        if not found:
            raise NoLeaderError(f"the Consul servers behind {self.endpoint} have no leader")
        return found

    def services(self, index: int = 0) -> QueryResult[Mapping[str, Sequence[str]]]:
        """Query service name → the tags of all its instances together; blocking."""
        with self._api_call(_READ_CATALOGUE) as api:
            return _query_result(index, api.catalog.services(index=index, wait=self._wait))

    def nodes(self, index: int = 0) -> QueryResult[Sequence[Mapping[str, Any]]]:
        """Query the nodes: `Node`, `Address`, …; blocking."""
        with self._api_call(_READ_CATALOGUE) as api:
            return _query_result(index, api.catalog.nodes(index=index, wait=self._wait))

    def failing_checks(self, index: int = 0) -> QueryResult[Sequence[Mapping[str, Any]]]:
        """Query the checks of nodes and services that fail: `Node`, `CheckID`, `ServiceID`, `Status`, ….

        Blocking, until any check changes. Consul before 1.5 has no filters and returns all checks.
        """
        with self._api_call(_READ_CATALOGUE) as api:
            params = [("filter", 'Status != "passing"'), *api.read_params, *self._blocking(index)]
            # The library's health.state supports neither filters nor consistency.
            found = api.http.get(
                CB.json(index=True), path="/v1/health/state/any", params=params, headers=api.headers
            )
            return _query_result(index, found)

    def node(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """Return a node's services: id → `Service`, `Port`, `Tags`, …; empty for an unknown node."""
        with self._api_call(_READ_CATALOGUE) as api:
            _, found = api.catalog.node(name)
            return {} if found is None else dict(found["Services"])

    def services_on(
        self, node: str, index: int = 0, before: NodeServices = UNKNOWN
    ) -> QueryResult[NodeServices]:
        """Query a node's services; blocking, until a service on this node changes.

        `before` is the previous result: entries that have not changed stay the same objects.
        """
        with self._api_call(_READ_CATALOGUE) as api:
            # The library decodes everything to dictionaries, which takes three times as long.
            found = api.http.get(
                _with_index,
                path=f"/v1/catalog/node/{quote(node, safe='')}",
                params=[*api.read_params, *self._blocking(index)],
                headers=api.headers,
            )
            known = _node_decoder.decode(found[1])
            return _query_result(
                index, (found[0], decode_node_services({} if known is None else known.services, before))
            )

    def service(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the instances of a service: `Node`, `Address`, `ServiceID`, `ServicePort`, …."""
        with self._api_call(_READ_CATALOGUE) as api:
            _, found = api.catalog.service(name)
            return list(found)

    def keys_below(self, prefix: str, index: int = 0) -> QueryResult[Mapping[str, bytes]]:
        """Query the keys that start with `prefix` (no leading slash), and their values; blocking."""
        with self._api_call(f"key:read on {prefix!r}") as api:
            result = _query_result(index, api.kv.get(prefix, index=index, wait=self._wait, recurse=True))
        entries: Sequence[Mapping[str, Any]] = result.data or ()
        return QueryResult(result.index, {each["Key"]: each["Value"] or b"" for each in entries})

    def key(self, name: str) -> bytes | None:
        """Return the value of one key, None if it does not exist."""
        with self._api_call(f"key:read on {name!r}") as api:
            _, found = api.kv.get(name)
            return None if found is None else found["Value"] or b""

    def put_key(self, name: str, value: bytes | str) -> None:
        """Write one key."""
        with self._api_call(f"key:write on {name!r}") as api:
            api.kv.put(name, value)

    def agent_services(self) -> Mapping[str, Mapping[str, Any]]:
        """Return this agent's services: id → `Service`, `Tags`, `Port`, `Address`, `Meta`."""
        with self._api_call("service:read on the services of this agent") as api:
            found: Mapping[str, Mapping[str, Any]] = api.agent.services()
            return found

    def register(self, service: Mapping[str, Any]) -> None:
        """Register a service with this agent; `service` is Consul's JSON object: `Name`, `ID`, and so on."""
        with self._api_call(f"service:write on {service.get('Name', '')!r}") as api:
            # The library's agent.service.register supports neither Weights nor several Checks.
            api.put("/v1/agent/service/register", json.dumps(service))

    def deregister(self, service_id: str) -> None:
        """Deregister a service and its checks from this agent; an unknown service is no error."""
        with self._api_call(f"service:write on the service {service_id!r}") as api:
            try:
                api.agent.service.deregister(service_id)
            except (consul.NotFound, consul.base.ClientError) as error:
                if "Unknown service" not in str(error):
                    raise

    def _blocking(self, index: int) -> list[tuple[str, str]]:
        return [("index", str(index)), ("wait", self._wait)] if index else []

    @contextmanager
    def _api_call(self, permission: str) -> Iterator[_ConsulApi]:
        api = self._apis[self._current]
        try:
            if api.http.aborted:
                raise ClosedError("the client is closed")
            yield api
        except _FAULTS as error:
            if api.http.aborted:
                raise ClosedError("the client is closed") from error
            known = to_consul_error(error, self.endpoint, permission)
            if isinstance(known, (UnreachableError, NoLeaderError, BadResponseError)):
                self._current = (self._current + 1) % len(self._endpoints)
            raise known from error


class _ConsulApi(consul.Consul):  # type: ignore[misc]  # the library has no types
    """The library's calls with our transport, configured by the settings alone."""

    def __init__(self, endpoint: Endpoint, consistency: str) -> None:
        # The library's constructor is not called: there environment variables override the arguments.
        self.http = Transport(endpoint)
        self.token = endpoint.token or None
        self.dc = endpoint.datacenter or None
        self.scheme = endpoint.scheme
        self.consistency = consistency
        self.agent = self.Agent(self)
        self.catalog = self.Catalog(self)
        self.kv = self.KV(self)
        self.status = self.Status(self)

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Consul-Token": self.token} if self.token else {}

    @property
    def read_params(self) -> list[tuple[str, str]]:
        """The query parameters of every read."""
        datacenter = [("dc", str(self.dc))] if self.dc else []
        return datacenter + ([("stale", "1")] if self.consistency == "stale" else [])

    def put(self, path: str, data: str) -> None:
        self.http.put(CB.bool(), path=path, data=data.encode(), headers=self.headers)


def _with_index(response: Any) -> tuple[str, bytes]:
    return response.headers["X-Consul-Index"], CB.binary()(response)


def _query_result(previous: int, found: tuple[Any, Any]) -> QueryResult[Any]:
    """Return the result with a usable index.

    As Consul documents, an index lower than the previous one resets to 0, and the least valid index is 1.
    """
    index = int(found[0])
    return QueryResult(0 if index < previous else max(index, 1), found[1])
