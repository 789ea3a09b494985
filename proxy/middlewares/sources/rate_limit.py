"""The middleware rateLimit, as in Traefik 3: limits the rate of requests by source and router.

All workers and instances with the same store hold a limit together.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from math import ceil
from typing import TYPE_CHECKING, Any

import gevent

from proxy.http1.error_response import PLAIN_TEXT_LINES
from proxy.limits.gcra import Limit
from proxy.limits.token_bucket import BucketKey
from proxy.middlewares.sources.source_criterion import client_address, compile_source
from proxy.middlewares.step import Client, Step, named_kind
from proxy.per_request.local_response import LocalResponse
from rondpoint.go_durations import go_duration

if TYPE_CHECKING:
    from proxy.http1.request import Request

SHORTEST_BURST = 0.01
"""Seconds; a bucket holds as many tokens as come in this time at least, so that workers can lease some."""

_MAX_DELAY = 0.5
_LONGEST_SOURCE = 64


@named_kind("rateLimit")
def rate_limit(options: Mapping[str, Any], name: str) -> Step:
    """Let `average` requests pass per `period`, and `burst` of them at once; refuse others with 429.

    A request that comes up to half an interval early is held back. The option `redis` has no effect: the
    counts are in Rondpoint's store.
    """
    source = compile_source(options.get("sourceCriterion"), client_address)
    average = options["average"]
    if not average:
        return _unlimited
    limit = compile_limit(average, options["period"], options["burst"])

    def step(request: Request, client: Client) -> None:
        key = bucket_key(name, client, source(request, client))
        admitted, delay = client.context.rate_limits.take(key, limit)
        if not admitted:
            raise _refusal(delay)
        if delay:
            gevent.sleep(delay)

    return step


def bucket_key(name: str, client: Client, source: str) -> BucketKey:
    """Return the key of the bucket of the middleware `name` for requests with this source."""
    if len(source) > _LONGEST_SOURCE:
        # Clients may send long headers, which must not fill the memory.
        source = "\0" + blake2b(source.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return (name, client.tally.router, source)


def compile_limit(average: int, period: float, burst: int) -> Limit:
    """Return the limit that these options mean; a `period` of 0 is a second, a `burst` of 0 one request."""
    rate = average / (period or 1.0)
    # As in Traefik: half the interval of the rate without its fraction.
    max_delay = _MAX_DELAY / int(rate) if rate >= 1 else _MAX_DELAY
    # Requests within a call to the store come at one time to it, whatever the pauses between them.
    return Limit(1 / rate, max(1, burst, int(rate * SHORTEST_BURST)), max_delay)


def _unlimited(request: Request, client: Client) -> None:
    pass


def _refusal(delay: float) -> LocalResponse:
    lines = b"\r\nRetry-After: %d\r\nX-Retry-In: %b" % (ceil(delay), go_duration(delay).encode())
    return LocalResponse(429, PLAIN_TEXT_LINES + lines, b"Too Many Requests")
