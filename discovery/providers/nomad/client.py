"""Calls to Nomad's HTTP API, with errors that say what would help."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from msgspec import MsgspecError, Struct
from msgspec import json as msgspec_json
from urllib3 import BaseHTTPResponse

from discovery.connections.errors import one_line
from discovery.http_client.client import HttpClient
from discovery.http_client.concurrent_calls import call_each
from discovery.http_client.errors import HttpError
from discovery.http_client.lines import read_lines
from discovery.providers.nomad.endpoint import Endpoint
from discovery.providers.nomad.values import (
    Event,
    Frame,
    Job,
    JobStub,
    NamespaceServices,
    Registration,
)

TIMEOUT = 10.0
"""Seconds within which a response must arrive."""

SILENCE = 45.0
"""Seconds without a line after which an event stream is dead; Nomad sends a heartbeat every 10 seconds."""

AT_ONCE = 4
"""Requests that are made at the same time for services or jobs.

Nomad has no request for all of them. Its agents accept 100 connections of a client by default.
"""

T = TypeVar("T")


class Indexed(Struct, frozen=True):
    """A response with the index of Nomad's state at which it was read."""

    data: Any
    index: int


class NomadClient:
    """Calls about one namespace; from one thread, except for `abort`."""

    def __init__(self, endpoint: Endpoint, namespace: str, *, stale: bool) -> None:
        self._endpoint = endpoint
        self._name = f"Nomad at {endpoint.url}"
        self._client = HttpClient(self._name, endpoint.tls, AT_ONCE)
        self._headers = {"X-Nomad-Token": endpoint.token} if endpoint.token else {}
        self._query = {
            **({"namespace": namespace} if namespace else {}),
            **({"region": endpoint.region} if endpoint.region else {}),
        }
        self._stale = {"stale": ""} if stale else {}

    def abort(self) -> None:
        """Interrupt a call in another thread, and make every later call fail."""
        self._client.abort()

    def close(self) -> None:
        """Close the connections; another call opens new ones."""
        self._client.close()

    def service_names(self) -> tuple[list[str], int]:
        """Return the names of all services, and the index of the list. Raises HttpError."""
        data, index = self._read("/v1/services", list[NamespaceServices], self._stale)
        return [stub.service_name for each in data for stub in each.services or ()], index

    def services(self, names: Iterable[str]) -> list[tuple[list[Registration], int]]:
        """Return the instances of each service, and the index at which they were read. Raises HttpError."""
        return call_each(self._service, names, AT_ONCE)

    def jobs(self) -> list[Job]:
        """Return all jobs. Raises HttpError."""
        stubs, _ = self._read("/v1/jobs", list[JobStub], self._stale)
        return call_each(self._job, (stub.id for stub in stubs), AT_ONCE)

    def events(self, topics: tuple[str, ...]) -> Iterator[tuple[Event, ...]]:
        """Yield the events of each line of the stream, the last ones before now first.

        Nomad replays its newest events to each new stream. Raises HttpError.
        """
        query = urlencode({**self._query, "index": 0, "topic": topics}, doseq=True)
        url = f"{self._endpoint.url}/v1/event/stream?{query}"
        # Compression could hold events back.
        headers = {**self._headers, "Accept-Encoding": "identity"}
        with self._client.get(url, headers, SILENCE) as response:
            self._check(response)
            for line in read_lines(response):
                yield self._decode(line or b"{}", Frame).events or ()

    def _service(self, name: str) -> tuple[list[Registration], int]:
        return self._read(f"/v1/service/{quote(name, safe='')}", list[Registration], self._stale)

    def _job(self, own: str) -> Job:
        return self._read(f"/v1/job/{quote(own, safe='')}", Job, {})[0]

    def _read(self, path: str, kind: type[T], query: Mapping[str, str]) -> tuple[T, int]:
        parameters = urlencode({**self._query, **query})
        with self._client.get(f"{self._endpoint.url}{path}?{parameters}", self._headers, TIMEOUT) as response:
            self._check(response)
            return self._decode(response.read(), kind), _index(response.headers)

    def _decode(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec_json.decode(body, type=kind)
        except MsgspecError as error:
            raise HttpError(
                f"the server at {self._endpoint.url} is not Nomad's API: {error}",
                "is this the port of its HTTP API?",
            ) from None

    def _check(self, response: BaseHTTPResponse) -> None:
        """Raise HttpError unless the status is 200."""
        if response.status == 200:
            return
        text = one_line(response.read().decode(errors="replace"))
        if response.status in (401, 403):
            hint = 'the token needs, in each namespace: capabilities = ["read-job"]'
            raise HttpError(
                f"{self._name} refuses: {text}", hint if self._endpoint.token else f"set a token; {hint}"
            )
        if "no cluster leader" in text.lower():
            raise HttpError(
                f"the Nomad servers behind {self._endpoint.url} have no leader", "Rondpoint tries again"
            )
        raise HttpError(f"{self._name} responds with status {response.status}: {json.dumps(text)}")


def _index(headers: Mapping[str, str]) -> int:
    text = headers.get("X-Nomad-Index", "0")
    return int(text) if text.isdecimal() else 0
