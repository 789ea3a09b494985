"""The ejected servers: by which worker, why, and until when.

A worker that cannot reach a server ejects it and probes it until it takes connections. Other workers receive
a notice and leave the probing to that worker, unless its lease ends without renewal. The data path reads only
`Target.unavailable`.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import gevent
from gevent import Greenlet

from proxy.upstream.connection import DialError
from proxy.upstream.endpoint import Address, address_of
from rondpoint.model import Scheme
from rondpoint.store.ejections import LONGEST_LEASE, EjectionNotice

if TYPE_CHECKING:
    from proxy.services.registry import ServiceRegistry
    from proxy.upstream.endpoint import Target
    from proxy.upstream.pool import Pool

log = logging.getLogger(__name__)

LEASE = 6.0
"""Seconds for which other workers keep a server ejected without a renewal."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds between probes: doubled each time up to the longest, less up to half at random."""

PROBE_TIMEOUT = 2.0
"""Seconds within which a probe must connect, including the TLS handshake."""

RELAPSE_SECONDS = 10.0
"""If a server fails again within these seconds after its return, its pause between probes keeps growing."""

# Any program may have written the stored URL, and Python refuses to convert very long digit strings.
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(slots=True, eq=False)
class OwnEjection:
    """A server that this worker has ejected, and probes.

    `announced` and `renew_at` (monotonic) belong to `EjectionSync`, which writes the lease.
    """

    address: Address
    url: str
    pool: Pool
    reason: str
    since: float
    pause: float
    announced: bool = False
    renew_at: float = 0.0
    probing: Greenlet[Any, Any] | None = None


@dataclass(slots=True, eq=False)
class RemoteEjection:
    """A server that another worker has ejected, until `until` (monotonic)."""

    address: Address
    by: str
    reason: str
    until: float


class Ejections:
    """The ejected servers of `services`; `name` identifies this worker among all workers.

    `notify` is called with a server's URL when the store should get the current `own_ejection` of it. `count`
    is how many ejections this worker has made itself.
    """

    def __init__(self, services: ServiceRegistry, name: str) -> None:
        self.name = name
        self.count = 0
        self.notify: Callable[[str], None] = _ignore
        self._services = services
        self._own: dict[str, OwnEjection] = {}
        self._remote: dict[str, RemoteEjection] = {}
        self._recently_returned: dict[str, tuple[float, float]] = {}
        services.on_address_removed = self._on_address_removed

    def eject(self, target: Target, reason: str) -> None:
        """Eject a server that could not be reached, and probe it until it is back."""
        url, now = target.url, monotonic()
        # The worker would probe a server that has left the configuration for ever.
        if url in self._own or url in self._remote or target.pool.closed:
            return
        pause, until = self._recently_returned.pop(url, (0.0, 0.0))
        pause = min(pause * 2, LONGEST_PAUSE) if now < until else FIRST_PAUSE
        own = OwnEjection(address_of(target.server), url, target.pool, reason, now, pause)
        self._own[url] = own
        self.count += 1
        self._services.set_ejected(own.address, ejected=True)
        own.probing = gevent.spawn(self._probe, own)
        log.warning("server %s is ejected: %s", url, reason)
        self.notify(url)

    def own_ejection(self, url: str) -> OwnEjection | None:
        """Return the ejection by this worker that the store should hold; None if there is none."""
        return self._own.get(url)

    @property
    def ejected(self) -> dict[str, tuple[str, str]]:
        """The ejecting worker and the reason, by the URL of each ejected server."""
        own = {url: (self.name, ejection.reason) for url, ejection in self._own.items()}
        return own | {url: (ejection.by, ejection.reason) for url, ejection in self._remote.items()}

    def receive(self, notice: EjectionNotice) -> None:
        """Apply another worker's notice: it has ejected a server, renewed the lease, or found it back."""
        url = notice.url
        if notice.by == self.name:
            if notice.seconds and url not in self._own:
                # The stored entry is from an ejection that has ended.
                self.notify(url)
            return
        if not notice.seconds:
            self._end_remote(url)
            return
        if notice.seconds > LONGEST_LEASE:
            return
        own = self._own.get(url)
        if own is not None:
            # If several workers eject a server at once, the lowest name keeps the lease.
            if self.name < notice.by:
                own.renew_at = 0.0
                self.notify(url)
                return
            self._stop_probing(own)
            del self._own[url]
            self.notify(url)
        address = address_from_url(url)
        if address is None:
            return
        known = url in self._remote
        self._remote[url] = RemoteEjection(address, notice.by, notice.reason, monotonic() + notice.seconds)
        if not known:
            self._services.set_ejected(address, ejected=True)
            gevent.spawn_later(notice.seconds, self._expire, url)

    def receive_all(self, notices: Iterable[EjectionNotice]) -> None:
        """Apply the notices of all stored entries, and end remote ejections that are no longer stored."""
        stored = {notice.url: notice for notice in notices}
        for url in [url for url in self._remote if url not in stored]:
            self._end_remote(url)
        for notice in stored.values():
            self.receive(notice)
        for url in self._own.keys() - stored.keys():
            self.notify(url)

    def _probe(self, own: OwnEjection) -> None:
        try:
            while not self._probe_succeeds(own):
                own.pause = min(own.pause * 2, LONGEST_PAUSE)
                self.notify(own.url)
        except Exception:
            # A bug in the probe must not keep a server ejected for ever.
            log.exception("probing server %s failed unexpectedly", own.url)
        now = monotonic()
        for url in [url for url, (_, until) in self._recently_returned.items() if until < now]:
            del self._recently_returned[url]
        self._recently_returned[own.url] = (own.pause, now + RELAPSE_SECONDS)
        log.info("server %s is back after %.1f s", own.url, now - own.since)
        own.probing = None
        self._end_own(own)

    def _probe_succeeds(self, own: OwnEjection) -> bool:
        """Pause, and then return whether the server takes connections."""
        gevent.sleep(own.pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
        try:
            own.pool.probe(PROBE_TIMEOUT)
        except DialError:
            return False
        return True

    def _end_own(self, own: OwnEjection) -> None:
        self._stop_probing(own)
        del self._own[own.url]
        self._services.set_ejected(own.address, ejected=False)
        self.notify(own.url)

    def _stop_probing(self, own: OwnEjection) -> None:
        if own.probing is not None:
            own.probing.kill(block=False)
            own.probing = None

    def _end_remote(self, url: str) -> None:
        remote = self._remote.pop(url, None)
        if remote is not None:
            self._services.set_ejected(remote.address, ejected=False)

    def _expire(self, url: str) -> None:
        remote = self._remote.get(url)
        if remote is None:
            return
        left = remote.until - monotonic()
        if left > 0:
            gevent.spawn_later(left, self._expire, url)
            return
        # The worker that probed it has ended, or cannot reach the store.
        self._end_remote(url)

    def _on_address_removed(self, address: Address) -> None:
        """End the ejections of an address that no service has; a later server there starts afresh."""
        for own in [own for own in self._own.values() if own.address == address]:
            self._end_own(own)
        for url in [url for url, remote in self._remote.items() if remote.address == address]:
            self._end_remote(url)


def address_from_url(url: str) -> Address | None:
    """Return the address in a server's URL; None if the text is no such URL."""
    scheme, separator, rest = url.partition("://")
    host, colon, port = rest.rpartition(":")
    if not (separator and colon and host and _PORT.fullmatch(port)) or scheme not in ("http", "https", "h2c"):
        return None
    return cast("Scheme", scheme), host.removeprefix("[").removesuffix("]"), int(port)


def _ignore(url: str) -> None:
    """Do nothing: the default without an `EjectionSync`."""
