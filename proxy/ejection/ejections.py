"""Which servers are put aside, on whose word, and until when.

Who finds a server unreachable puts it aside and probes it until it answers. Other workers are told, and
leave the probing to it, unless they hear nothing for the length of its lease. The data path only looks at
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
"""Seconds for which others take a server to be away without hearing of it again."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds between probes, doubled each time from the first to the longest, less up to a half at random."""

PROBE_TIMEOUT = 2.0
"""Seconds within which a probe's connection must come about, TLS included."""

RELAPSE_SECONDS = 10.0
"""Seconds after its return within which a server that fails again is probed as late as it was at last."""

# What is stored may be anybody's, and more digits than these are no number to Python.
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(slots=True, eq=False)
class OwnEjection:
    """A server that this worker has put aside, and probes.

    `told` and `renew_at` (monotonic) are for who writes its lease.
    """

    address: Address
    url: str
    pool: Pool
    reason: str
    since: float
    pause: float
    told: bool = False
    renew_at: float = 0.0
    probing: Greenlet[Any, Any] | None = None


@dataclass(slots=True, eq=False)
class RemoteEjection:
    """A server that another worker has put aside, up to `until` (monotonic)."""

    address: Address
    by: str
    reason: str
    until: float


class Ejections:
    """What is put aside in `services`; `name` tells this worker from all others.

    `tell` is called with a server's URL when the store should hear of it: see `own`. `count` is how often
    this worker has put one aside itself.
    """

    def __init__(self, services: ServiceRegistry, name: str) -> None:
        self.name = name
        self.count = 0
        self.tell: Callable[[str], None] = _ignore
        self._services = services
        self._own: dict[str, OwnEjection] = {}
        self._remote: dict[str, RemoteEjection] = {}
        self._recently_returned: dict[str, tuple[float, float]] = {}
        services.on_address_removed = self._on_address_removed

    def eject(self, target: Target, reason: str) -> None:
        """A server could not be reached: ask others from now on, and look when it is back."""
        url, now = target.url, monotonic()
        # One that has left the configuration meanwhile would be probed for ever, and so would not come back.
        if url in self._own or url in self._remote or target.pool.closed:
            return
        pause, until = self._recently_returned.pop(url, (0.0, 0.0))
        pause = min(pause * 2, LONGEST_PAUSE) if now < until else FIRST_PAUSE
        own = OwnEjection(address_of(target.server), url, target.pool, reason, now, pause)
        self._own[url] = own
        self.count += 1
        self._services.set_ejected(own.address, ejected=True)
        own.probing = gevent.spawn(self._probe, own)
        log.warning("server %s is put aside: %s", url, reason)
        self.tell(url)

    def own(self, url: str) -> OwnEjection | None:
        """What the store should hold of this server by this worker: None for nothing."""
        return self._own.get(url)

    @property
    def ejected(self) -> dict[str, tuple[str, str]]:
        """By the URL of each server that is put aside: by whom, and why."""
        mine = {url: (self.name, own.reason) for url, own in self._own.items()}
        return mine | {url: (others.by, others.reason) for url, others in self._remote.items()}

    def receive(self, notice: EjectionNotice) -> None:
        """Another worker has put a server aside, still does, or has found it to be back."""
        url = notice.url
        if notice.by == self.name:
            if notice.seconds and url not in self._own:
                # Left from what has ended since.
                self.tell(url)
            return
        if not notice.seconds:
            self._end_remote(url)
            return
        if notice.seconds > LONGEST_LEASE:
            return
        own = self._own.get(url)
        if own is not None:
            # Of several that came upon it at once, one goes on.
            if self.name < notice.by:
                own.renew_at = 0.0
                self.tell(url)
                return
            self._stop_probing(own)
            del self._own[url]
            self.tell(url)
        address = address_from_url(url)
        if address is None:
            return
        known = url in self._remote
        self._remote[url] = RemoteEjection(address, notice.by, notice.reason, monotonic() + notice.seconds)
        if not known:
            self._services.set_ejected(address, ejected=True)
            gevent.spawn_later(notice.seconds, self._expire, url)

    def receive_all(self, notices: Iterable[EjectionNotice]) -> None:
        """These, and no others, are stored."""
        stored = {notice.url: notice for notice in notices}
        for url in [url for url in self._remote if url not in stored]:
            self._end_remote(url)
        for notice in stored.values():
            self.receive(notice)
        for url in self._own.keys() - stored.keys():
            self.tell(url)

    def _probe(self, own: OwnEjection) -> None:
        try:
            while not self._probe_succeeds(own):
                own.pause = min(own.pause * 2, LONGEST_PAUSE)
                self.tell(own.url)
        except Exception:
            # A fault of ours must not keep a server out for ever.
            log.exception("probing server %s failed unexpectedly", own.url)
        now = monotonic()
        for url in [url for url, (_, until) in self._recently_returned.items() if until < now]:
            del self._recently_returned[url]
        self._recently_returned[own.url] = (own.pause, now + RELAPSE_SECONDS)
        log.info("server %s is back after %.1f s", own.url, now - own.since)
        own.probing = None
        self._end_own(own)

    def _probe_succeeds(self, own: OwnEjection) -> bool:
        """Whether it takes connections, after a pause."""
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
        self.tell(own.url)

    def _stop_probing(self, own: OwnEjection) -> None:
        if own.probing is not None:
            own.probing.kill(block=False)
            own.probing = None

    def _end_remote(self, url: str) -> None:
        others = self._remote.pop(url, None)
        if others is not None:
            self._services.set_ejected(others.address, ejected=False)

    def _expire(self, url: str) -> None:
        others = self._remote.get(url)
        if others is None:
            return
        left = others.until - monotonic()
        if left > 0:
            gevent.spawn_later(left, self._expire, url)
            return
        # Whoever probed it is gone.
        self._end_remote(url)

    def _on_address_removed(self, address: Address) -> None:
        """No service has this address any more; should it come again, it is another server's."""
        for own in [own for own in self._own.values() if own.address == address]:
            self._end_own(own)
        for url in [url for url, others in self._remote.items() if others.address == address]:
            self._end_remote(url)


def address_from_url(url: str) -> Address | None:
    """The address that a server's URL tells; None for anything else."""
    scheme, separator, rest = url.partition("://")
    host, colon, port = rest.rpartition(":")
    if not (separator and colon and host and _PORT.fullmatch(port)) or scheme not in ("http", "https", "h2c"):
        return None
    return cast("Scheme", scheme), host.removeprefix("[").removesuffix("]"), int(port)


def _ignore(url: str) -> None:
    """There is nobody to tell."""
