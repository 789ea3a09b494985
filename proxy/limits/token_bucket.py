"""A token bucket as one worker sees it, and the table of them."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Any

from proxy.limits.gcra import Limit

MAX_BUCKETS = 65_536
"""Buckets per worker; the least recently used one is forgotten first."""

BucketKey = tuple[str, str, str]
"""Middleware, router and source."""


class TokenBucket:
    """The leased tokens of one bucket, and the requests that wait for more.

    `tokens` are leased and unused, and `low` is the number at which the worker asks for more in advance.
    `queued` says that the bucket is in the queue for the next call. `tat` is the last known TAT of the shared
    bucket, `local_tat` that of this worker's own count. `leased_at`, `leased` (the tokens then, and those
    that came since) and `portion` describe the last lease. `seen` is the number of tokens at the last search
    for unused ones; `returned` counts those to give back, less those that the worker's own count has given.
    Times are monotonic seconds.
    """

    __slots__ = (
        "id",
        "leased",
        "leased_at",
        "limit",
        "local_tat",
        "low",
        "portion",
        "queued",
        "returned",
        "seen",
        "tat",
        "tokens",
        "waiting",
    )

    def __init__(self, bucket_id: str, limit: Limit) -> None:
        self.id = bucket_id
        self.limit = limit
        self.tokens = 0
        self.low = -1
        self.queued = False
        self.leased_at = self.tat = self.local_tat = 0.0
        self.leased = self.portion = self.returned = self.seen = 0
        self.waiting: list[Any] = []


class BucketTable:
    """The buckets of a worker by key, of which it keeps those used last."""

    def __init__(self, size: int = MAX_BUCKETS) -> None:
        self._size = size
        self._buckets: OrderedDict[BucketKey, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def find(self, key: BucketKey, limit: Limit) -> TokenBucket:
        """Return the bucket of this key, a new one if there is none."""
        buckets = self._buckets
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = TokenBucket(bucket_id(key), limit)
            if len(buckets) > self._size:
                buckets.popitem(last=False)
        else:
            buckets.move_to_end(key)
            if bucket.limit is not limit and bucket.limit != limit:
                # What is known of the bucket was true for the limit before.
                bucket.limit = limit
                bucket.tat = 0.0
        return bucket


def bucket_id(key: BucketKey) -> str:
    """Return the bucket's name in the store, in which no address and no header of a client appears."""
    parts = (part.encode("utf-8", "surrogateescape") for part in key)
    text = b"".join(b"%d:%b" % (len(part), part) for part in parts)
    return blake2b(text, digest_size=16).hexdigest()
