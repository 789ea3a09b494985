"""What proxies count, as they keep it in the store: one hash per worker, one field per router.

Besides routers' names there are fields that no router can be called: the empty one, for requests that no
router took; `SERVICE/`, for those that went to a service by routers that are gone, and `/` where the service
is gone too; `/worker`, for what a worker counts of itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec
import redis
from msgspec import Struct, field

from rondpoint.store.corrupt_keys import drop, is_wrong_type
from rondpoint.store.decoding import decoded
from rondpoint.store.keys import Keys

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of the first buckets of a histogram; one more bucket takes what is above."""

EXPIRY = 30
"""Seconds after its worker's last sign at which a hash goes."""

GONE = "/"
"""Ends the name of a field for routers that are gone."""

OWN = "/worker"

INTERNAL = "@internal"
"""Ends the names of routers and services that are the proxy's own: its API, dashboard and the like."""

Protocol = Literal["http", "websocket", "sse", "grpc", "grpc-web"]


class Cell(Struct, frozen=True, array_like=True):
    """The requests of a router that are alike in all but their time and size.

    `buckets` lie beside the `bounds` of the Counts, each for its own interval alone; `unmeasured` requests
    are in none of them. `seconds` is the sum of the times measured; `sent` are bytes of bodies to clients and
    `received` those from them. `tls` is version and cipher (`1.3 TLS_AES_128_GCM_SHA256`). Those that were
    `stopped` never came to the service: a middleware answered. `labels` are the values of the headers that
    are told apart.
    """

    entry_point: str
    method: str
    code: int
    protocol: Protocol
    buckets: tuple[int, ...]
    seconds: float = 0.0
    sent: int = 0
    received: int = 0
    unmeasured: int = 0
    tls: str = ""
    stopped: bool = False
    labels: tuple[str, ...] = ()

    @property
    def requests(self) -> int:
        return sum(self.buckets) + self.unmeasured


class Counts(Struct, frozen=True, omit_defaults=True):
    """A router's requests since its worker started; all only grow.

    `statuses` by class (`2xx`); `buckets` beside BOUNDS, each for its own interval alone; `seconds` is the
    sum of the times counted in the buckets, and `sent` the bytes of bodies that went to clients. `cells` tell
    the same in full, with buckets beside `bounds`; `retries` are requests that were sent to one more server.
    """

    service: str = ""
    statuses: dict[str, int] = field(default_factory=dict)
    buckets: tuple[int, ...] = ()
    seconds: float = 0.0
    sent: int = 0
    retries: int = 0
    cells: tuple[Cell, ...] = ()
    bounds: tuple[float, ...] = BOUNDS


MOST_FAULTS = 10
"""Requests that were answered with a server's error, of which is told, unless settings say another number."""


class Fault(Struct, frozen=True, array_like=True):
    """A request that was answered with a server's error, at a Unix time; its `path` is without a query."""

    at: float
    status: int
    method: str
    host: str
    path: str


class Own(Struct, frozen=True, omit_defaults=True):
    """What a worker counts of itself since it started; all only grow.

    `tickets` are from the store, `local_tickets` from the worker's own count, `late_tickets` those of them
    for which a request had waited in vain. `propagation` counts changes by the time from their publication
    until they were in force, beside BOUNDS; `propagation_seconds` is the sum. `faults` are the last ones, the
    newest first.
    """

    tickets: int = 0
    local_tickets: int = 0
    late_tickets: int = 0
    propagation: tuple[int, ...] = ()
    propagation_seconds: float = 0.0
    dropped_lines: int = 0
    dropped_spans: int = 0
    faults: tuple[Fault, ...] = ()


_counts = msgspec.json.Decoder(Counts)
_own = msgspec.json.Decoder(Own)


def is_router(name: str) -> bool:
    """Whether a field is a router's; the empty one counts as such."""
    return name != OWN and not name.endswith(GONE)


def decode_field(name: str, value: bytes) -> Counts | Own:
    """One field of a hash. Raises msgspec.MsgspecError."""
    return decoded(_own, value) if name == OWN else decoded(_counts, value)


def write_counts(
    client: redis.Redis,
    keys: Keys,
    worker: str,
    changed: Mapping[str, Counts | Own],
    gone: Collection[str] = (),
) -> bool:
    """As `write_fields`, what a worker has counted of its routers and of itself."""
    return write_fields(client, keys.metrics(worker), changed, gone)


def write_fields(
    client: redis.Redis, key: str, changed: Mapping[str, Struct], gone: Collection[str] = ()
) -> bool:
    """Store what changed under its field's name, drop what is gone, and renew the expiry, all in one step.

    False when the store held nothing under this key, so that all is to be written. Raises redis.RedisError.
    """
    pipeline = client.pipeline(transaction=True)
    pipeline.expire(key, EXPIRY)
    if changed:
        pipeline.hset(key, mapping={name: msgspec.json.encode(counts) for name, counts in changed.items()})
    if gone:
        pipeline.hdel(key, *gone)
    if changed:
        # What the store had lost exists only now.
        pipeline.expire(key, EXPIRY)
    try:
        return bool(pipeline.execute()[0])
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        drop(client, key)
        return False


def forget_counts(client: redis.Redis, keys: Keys, worker: str) -> None:
    """Have all that a worker has counted gone. Raises redis.RedisError."""
    client.expire(keys.metrics(worker), 0)
    client.expire(keys.server_metrics(worker), 0)
