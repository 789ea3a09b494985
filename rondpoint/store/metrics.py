"""The request counts of proxies in the store: one hash per worker, one field per router.

Besides names of routers there are fields that no router's name can equal: the empty one, for requests that no
router matched; `SERVICE/`, for requests that removed routers sent to a service; `/`, for those whose service
has been removed too; and `/worker`, for the counts of the worker itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec
import redis
from msgspec import Struct, field

from rondpoint.store.corrupt_keys import drop, is_wrong_type
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of the first buckets of a histogram; one more bucket counts longer times."""

EXPIRY = 30
"""Seconds after the worker's last write until its hash expires."""

REMOVED_SUFFIX = "/"
"""Suffix of a field that counts the requests of removed routers."""

WORKER_FIELD = "/worker"

INTERNAL = "@internal"
"""Suffix of the proxy's own routers and services: its API, dashboard and the like."""

Protocol = Literal["http", "websocket", "sse", "grpc", "grpc-web"]


class Cell(Struct, frozen=True, array_like=True, gc=False):
    """The requests of a router with equal labels, which differ only in duration and size.

    `buckets` correspond to the `bounds` of the Counts, each for its own interval alone; `unmeasured` requests
    are in none of them. `seconds` is the sum of the measured durations; `sent` is the number of body bytes to
    clients, `received` from clients. `tls` is version and cipher (`1.3 TLS_AES_128_GCM_SHA256`). If a
    middleware responded, the requests are `stopped`: they never reached the service. `labels` are the values
    of the headers that `metrics.prometheus.headerLabels` names. `grpc_status` is -1 for a response without
    one.
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
    grpc_status: int = -1

    @property
    def requests(self) -> int:
        """The number of requests, measured or not."""
        return sum(self.buckets) + self.unmeasured


class Refusals(Struct, frozen=True, array_like=True, gc=False):
    """The requests of a router that one of its middlewares has refused for the same reason."""

    middleware: str
    kind: str
    reason: str
    count: int


class Counts(Struct, frozen=True, omit_defaults=True, gc=False):
    """A router's requests since its worker started; no value ever falls.

    `statuses` by class (`2xx`); `buckets` correspond to BOUNDS, each for its own interval alone; `seconds` is
    the sum of the durations in the buckets, and `sent` the body bytes sent to clients. `cells` hold the same
    requests in detail, with buckets that correspond to `bounds`; `retries` are requests that
    were sent to one more server. `refusals` are those that middlewares refused, also counted in `cells`.
    """

    service: str = ""
    statuses: dict[str, int] = field(default_factory=dict)
    buckets: tuple[int, ...] = ()
    seconds: float = 0.0
    sent: int = 0
    retries: int = 0
    cells: tuple[Cell, ...] = ()
    bounds: tuple[float, ...] = BOUNDS
    refusals: tuple[Refusals, ...] = ()


DEFAULT_RECENT_ERRORS = 10
"""Recent requests with a 5xx response that a worker reports, unless settings give another number."""


class ServerError(Struct, frozen=True, array_like=True):
    """A request with a 5xx response; `at` in Unix seconds, `path` without the query."""

    at: float
    status: int
    method: str
    host: str
    path: str


class WorkerCounts(Struct, frozen=True, omit_defaults=True):
    """The counts of a worker itself since it started; no count ever falls.

    `tickets` came from the store, `local_tickets` from the worker's own count; `late_tickets` are the local
    ones for which a request had waited in vain. `propagation` counts changes by the time from their
    publication until they were in force, in buckets by BOUNDS; `propagation_seconds` is the sum.
    `recent_errors` has the newest first. The copies are those of requests for mirrors: sent ones got a
    response, failed ones did not, and dropped ones were not sent because of limits. `handshake_failures`
    counts failed TLS handshakes with clients by entry point and reason. `udp_sessions` have begun,
    `udp_refused_sessions` did not because of limits; `udp_dropped_datagrams` had no router or no server.
    """

    tickets: int = 0
    local_tickets: int = 0
    late_tickets: int = 0
    propagation: tuple[int, ...] = ()
    propagation_seconds: float = 0.0
    dropped_lines: int = 0
    dropped_spans: int = 0
    copies_sent: int = 0
    copies_failed: int = 0
    copies_dropped: int = 0
    recent_errors: tuple[ServerError, ...] = ()
    handshake_failures: dict[str, dict[str, int]] = {}
    udp_sessions: int = 0
    udp_refused_sessions: int = 0
    udp_dropped_datagrams: int = 0


_counts = msgspec.json.Decoder(Counts)
_own = msgspec.json.Decoder(WorkerCounts)


def is_router(name: str) -> bool:
    """Return whether a field belongs to a router; the empty one counts as such."""
    return name != WORKER_FIELD and not name.endswith(REMOVED_SUFFIX)


def decode_field(name: str, value: bytes) -> Counts | WorkerCounts:
    """Decode one field of a hash. Raises msgspec.MsgspecError."""
    return decode_json(_own, value) if name == WORKER_FIELD else decode_json(_counts, value)


def write_counts(
    client: redis.Redis,
    keys: Keys,
    worker: str,
    changed: Mapping[str, Counts | WorkerCounts],
    removed: Collection[str] = (),
) -> bool:
    """Write the changed counts of a worker and its routers, with `write_fields`."""
    return write_fields(client, keys.metrics(worker), changed, removed)


def write_fields(
    client: redis.Redis, key: str, changed: Mapping[str, Struct], removed: Collection[str] = ()
) -> bool:
    """Write the changed fields, delete the removed ones, and renew the expiry, in one transaction.

    Return False if the key did not exist, so that the caller must write all fields. Raises redis.RedisError.
    """
    pipeline = client.pipeline(transaction=True)
    pipeline.expire(key, EXPIRY)
    if changed:
        pipeline.hset(key, mapping={name: msgspec.json.encode(counts) for name, counts in changed.items()})
    if removed:
        pipeline.hdel(key, *removed)
    if changed:
        # If the key was missing, it exists only now, so the first command did not renew it.
        pipeline.expire(key, EXPIRY)
    try:
        return bool(pipeline.execute()[0])
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        drop(client, key)
        return False


def drop_counts(client: redis.Redis, keys: Keys, worker: str) -> None:
    """Delete all counts of a worker. Raises redis.RedisError."""
    client.expire(keys.metrics(worker), 0)
    client.expire(keys.server_metrics(worker), 0)
    client.expire(keys.connection_metrics(worker), 0)
