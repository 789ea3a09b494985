"""The counts of servers in the store: one hash per worker, one field per server.

They are apart from the counts of routers (`rondpoint.store.metrics`), so readers of those need not read these
too. A field is a service's name and a server's URL: one server is counted under each service that names it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from rondpoint.model import Service
from rondpoint.store.decoding import decode_json
from rondpoint.store.metric_sums import add_buckets, rebucket
from rondpoint.store.metrics import BOUNDS


class ServerCounts(Struct, frozen=True, omit_defaults=True, gc=False):
    """Requests that were sent to a server last, since a worker started; no value ever falls.

    `codes` by the status that clients got; `buckets` correspond to the bounds, each for its own interval
    alone, without upgraded connections (101); `seconds` is the sum of the durations in them. `failures` are
    attempts without a response from the server, whatever became of the request.
    """

    codes: dict[int, int] = field(default_factory=dict)
    buckets: tuple[int, ...] = ()
    seconds: float = 0.0
    failures: int = 0
    bounds: tuple[float, ...] = BOUNDS


_decoder = msgspec.json.Decoder(ServerCounts)


def server_field(service: str, url: str) -> str:
    """Return the field for a server of this service."""
    return f"{service} {url}"


def parse_server_field(field: str) -> tuple[str, str]:
    """Return the service and the URL in a field; no URL contains a space."""
    service, _, url = field.rpartition(" ")
    return service, url


def decode_server(field: str, value: bytes) -> ServerCounts:
    """Decode one field of a hash. Raises msgspec.MsgspecError."""
    return decode_json(_decoder, value)


def add_servers(one: ServerCounts, other: ServerCounts) -> ServerCounts:
    """Return the sum of both, with the bounds of the first."""
    codes = dict(one.codes)
    for code, count in other.codes.items():
        codes[code] = codes.get(code, 0) + count
    return ServerCounts(
        codes=codes,
        buckets=add_buckets(one.buckets, rebucket(other.buckets, other.bounds, one.bounds)),
        seconds=one.seconds + other.seconds,
        failures=one.failures + other.failures,
        bounds=one.bounds,
    )


class ActiveServers:
    """The fields of the servers of these services, with a cache of their URLs."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._urls: dict[str, frozenset[str]] = {}

    def __contains__(self, field: object) -> bool:
        service, url = parse_server_field(field) if isinstance(field, str) else ("", "")
        urls = self._urls.get(service)
        if urls is None:
            found = self._services.get(service)
            servers = () if found is None else found.servers
            urls = self._urls[service] = frozenset(server.url for server in servers)
        return url in urls
