"""How often a client may be wrong about tokens and passwords."""

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
"""Wrong ones in a row."""

SECONDS_EACH = 6.0
"""After which there may be one more."""

MAX_CLIENTS = 1000
"""Those that are remembered; the one that was wrong the longest ago is forgotten first."""


class _Record(Struct):
    """`forgiven_at` is when all that was wrong is forgiven; `shown` are digests of what was shown last."""

    forgiven_at: float
    shown: list[bytes]


class LoginAttempts:
    """Of one worker. The same wrong token again is no guess: a program may not know yet of the new one."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._secret = os.urandom(32)
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_seconds(self, client: str) -> int:
        """Seconds until anything that the client shows is looked at again; 0 for at once."""
        record = self._records.get(_network(client))
        if record is None:
            return 0
        return max(0, math.ceil(record.forgiven_at - self._now() - (BURST - 1) * SECONDS_EACH))

    def failed_before(self, client: str, shown: str) -> bool:
        """Whether the client has shown this lately: it need not be looked at again."""
        record = self._records.get(_network(client))
        return record is not None and self._digest(shown) in record.shown

    def record_failure(self, client: str, shown: str) -> None:
        """The client has shown this, and it was wrong."""
        network, now = _network(client), self._now()
        record = self._records.setdefault(network, _Record(now, []))
        digest = self._digest(shown)
        if digest in record.shown:
            return
        record.shown = [*record.shown, digest][-BURST:]
        record.forgiven_at = max(record.forgiven_at, now) + SECONDS_EACH
        self._records.move_to_end(network)
        if len(self._records) > MAX_CLIENTS:
            self._records.popitem(last=False)

    def _digest(self, shown: str) -> bytes:
        return blake2b(shown.encode(errors="replace"), key=self._secret, digest_size=16).digest()


def _network(client: str) -> str:
    """Whoever has one address of IPv6 has 2⁶⁴ of them."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return str(address)
