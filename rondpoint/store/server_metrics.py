"""What proxies count of servers, as they keep it in the store: one hash per worker, one field per server.

It lies beside what is counted of routers (`rondpoint.store.metrics`), so that whoever asks for that need not
read this too. A field is a service's name and a server's URL: one server is counted under each service that
names it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from rondpoint.model import Service
from rondpoint.store.decoding import decoded
from rondpoint.store.metric_sums import add_buckets, rebucketed
from rondpoint.store.metrics import BOUNDS


class ServerCounts(Struct, frozen=True, omit_defaults=True):
    """Requests that a server was the last to be asked for, since a worker started; all only grow.

    `codes` by the status that clients got; `buckets` beside the bounds, each for its own interval alone, in
    which upgraded connections (101) are not; `seconds` is the sum of the times counted there. `failures` are
    attempts that the server gave no answer to, whatever became of the request.
    """

    codes: dict[int, int] = field(default_factory=dict)
    buckets: tuple[int, ...] = ()
    seconds: float = 0.0
    failures: int = 0
    bounds: tuple[float, ...] = BOUNDS


_decoder = msgspec.json.Decoder(ServerCounts)


def field_of(service: str, url: str) -> str:
    """The field of a server of this service."""
    return f"{service} {url}"


def server_of(field: str) -> tuple[str, str]:
    """Service and URL that a field is about; no URL has a space in it."""
    service, _, url = field.rpartition(" ")
    return service, url


def decode_server(field: str, value: bytes) -> ServerCounts:
    """One field of a hash. Raises msgspec.MsgspecError."""
    return decoded(_decoder, value)


def add_servers(one: ServerCounts, other: ServerCounts) -> ServerCounts:
    """What both have counted, beside the bounds of the first."""
    codes = dict(one.codes)
    for code, count in other.codes.items():
        codes[code] = codes.get(code, 0) + count
    return ServerCounts(
        codes=codes,
        buckets=add_buckets(one.buckets, rebucketed(other.buckets, other.bounds, one.bounds)),
        seconds=one.seconds + other.seconds,
        failures=one.failures + other.failures,
        bounds=one.bounds,
    )


class ServersInForce:
    """The fields of the servers that these services have; what was looked up is remembered."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._urls: dict[str, frozenset[str]] = {}

    def __contains__(self, field: object) -> bool:
        service, url = server_of(field) if isinstance(field, str) else ("", "")
        urls = self._urls.get(service)
        if urls is None:
            found = self._services.get(service)
            servers = () if found is None else found.servers
            urls = self._urls[service] = frozenset(server.url for server in servers)
        return url in urls
