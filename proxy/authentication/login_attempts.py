"""Limits failed logins per client."""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from time import monotonic

from msgspec import Struct

BURST = 10
"""Failed attempts in a row before the client has to wait."""

SECONDS_EACH = 6.0
"""Seconds until one further attempt is allowed."""

MAX_CLIENTS = 1000
"""Clients that are remembered; the client with the oldest failure is forgotten first."""


class _Record(Struct):
    """The failures of a client: `forgiven_at` is when all are forgiven, in seconds of the clock.

    `digests` are those of the last wrong credentials.
    """

    forgiven_at: float
    digests: list[bytes]


class LoginAttempts:
    """The failed logins of the clients of one worker.

    The same wrong token again does not count: a program may still use the token of before a change.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._secret = os.urandom(32)
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_seconds(self, client: str) -> int:
        """Return the seconds until the client's next attempt is checked; 0 if it is checked at once."""
        record = self._records.get(_network(client))
        if record is None:
            return 0
        return max(0, math.ceil(record.forgiven_at - self._now() - (BURST - 1) * SECONDS_EACH))

    def failed_before(self, client: str, credential: str) -> bool:
        """Return whether the client sent this recently and it was wrong."""
        record = self._records.get(_network(client))
        return record is not None and self._digest(credential) in record.digests

    def record_failure(self, client: str, credential: str) -> None:
        """Record a failed attempt of a client."""
        network, now = _network(client), self._now()
        record = self._records.setdefault(network, _Record(now, []))
        digest = self._digest(credential)
        if digest in record.digests:
            return
        record.digests = [*record.digests, digest][-BURST:]
        record.forgiven_at = max(record.forgiven_at, now) + SECONDS_EACH
        self._records.move_to_end(network)
        if len(self._records) > MAX_CLIENTS:
            self._records.popitem(last=False)

    def _digest(self, credential: str) -> bytes:
        return blake2b(credential.encode(errors="replace"), key=self._secret, digest_size=16).digest()


def _network(client: str) -> str:
    """Return the IPv4 address or the IPv6 /64 network: an IPv6 client usually has 2⁶⁴ addresses."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return str(address)
