"""The ejected servers: by which worker, why, and until when.

A worker that cannot reach a server ejects it for all services, and probes it until it accepts connections.
If the server accepts them and the TLS handshake fails, the transport of one service may be the reason. So the
worker ejects it for this service alone, and probes it until a handshake succeeds. If a server fails the
passive health check of a service, the worker ejects it for this service and for a fixed time. Other workers
receive a notice and leave the ejection to that worker, unless its lease ends without renewal. The data path
reads only `Target.unavailable`.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Protocol

import gevent
from gevent import Greenlet

from proxy.upstream.connection import DialError
from proxy.upstream.endpoint import Address
from rondpoint.store.ejections import LONGEST_LEASE, EjectionNotice, ejection_key, split_ejection_key

log = logging.getLogger(__name__)

LEASE = 6.0
"""Seconds for which other workers keep a server ejected without a renewal."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds between probes: doubled each time up to the longest, less up to half at random."""

PROBE_TIMEOUT = 2.0
"""Seconds within which a probe must connect, with a TLS handshake if one had failed."""

RELAPSE_SECONDS = 10.0
"""If a server fails again within these seconds after its return, its pause between probes keeps growing."""

TCP = "tcp"
"""The scheme of servers of TCP services."""

# Any program may have written the stored URL, and Python refuses to convert very long digit strings.
_PORT = re.compile(r"[0-9]{1,5}")


class Connector(Protocol):
    """Opens connections to one server; it is `closed` once no service has the server any more."""

    closed: bool

    def probe(self, timeout: float, *, with_tls: bool) -> None:
        """Connect within `timeout` s, and close the connection again. Raises DialError."""


class EjectableServer(Protocol):
    """A server of the service with this name; `url` is its name in the store and in logs."""

    service: str
    url: str

    @property
    def address(self) -> Address: ...

    @property
    def pool(self) -> Connector: ...


class Registry(Protocol):
    """Services whose servers can be ejected."""

    on_address_removed: Callable[[Address], None]

    def set_ejected(self, address: Address, ejected: bool, service: str = "") -> None:
        """Eject the servers at this address, those of one service or of all; or make them available."""

    def uses(self, service: str, pool: Any, /) -> bool:
        """Return whether this service connects to one of its servers by this `pool`."""


@dataclass(slots=True, eq=False)
class OwnEjection:
    """A server that this worker has ejected: for all services, or for the named one only.

    `returning` ends the ejection, after a successful probe or after a fixed time. `announced` and `renew_at`
    (monotonic) belong to `EjectionSync`, which writes the lease.
    """

    address: Address
    key: str
    pool: Connector
    reason: str
    since: float
    pause: float = FIRST_PAUSE
    service: str = ""
    announced: bool = False
    renew_at: float = 0.0
    returning: Greenlet[Any, Any] | None = None


@dataclass(slots=True, eq=False)
class RemoteEjection:
    """A server that another worker has ejected, until `until` (monotonic); `service` as in OwnEjection."""

    address: Address
    by: str
    reason: str
    until: float
    service: str


class Ejections:
    """The ejected servers of `services` and `tcp_services`; `name` identifies this worker among all workers.

    Their keys are those of the stored entries: a server's URL, or URL and service. `notify` is called with a
    key when the store should get its current `own_ejection`. `count` is how many ejections this worker has
    made itself.
    """

    def __init__(self, services: Registry, name: str, tcp_services: Registry | None = None) -> None:
        self.name = name
        self.count = 0
        self.notify: Callable[[str], None] = _ignore
        self._services = services
        self._own: dict[str, OwnEjection] = {}
        self._remote: dict[str, RemoteEjection] = {}
        self._recently_returned: dict[str, tuple[float, float]] = {}
        self._tcp_services = tcp_services
        for registry in (services, tcp_services):
            if registry is not None:
                registry.on_address_removed = self._on_address_removed

    def dial_failed(self, target: EjectableServer, error: DialError) -> None:
        """Eject a server for all services if it accepts no connections, for one if the handshake failed."""
        if error.unreachable:
            self.eject(target, str(error))
        elif error.handshake_failed:
            self._eject(target, str(error), target.service)

    def eject(self, target: EjectableServer, reason: str) -> None:
        """Eject a server that could not be reached, and probe it until it is back."""
        self._eject(target, reason, "")

    def _eject(self, target: EjectableServer, reason: str, service: str) -> None:
        key, now = ejection_key(target.url, service), monotonic()
        # The worker would probe a server that has left the configuration for ever.
        if key in self._own or key in self._remote or target.pool.closed:
            return
        pause, until = self._recently_returned.pop(key, (0.0, 0.0))
        pause = min(pause * 2, LONGEST_PAUSE) if now < until else FIRST_PAUSE
        self._begin(OwnEjection(target.address, key, target.pool, reason, now, pause, service), self._probe)
        log.warning("server %s is ejected: %s", _name_of(key), reason)

    def eject_from_service(self, target: EjectableServer, seconds: float, reason: str) -> None:
        """Eject a server for this time, and only for the service of the target."""
        key = ejection_key(target.url, target.service)
        if key in self._own or key in self._remote or target.pool.closed:
            return
        own = OwnEjection(target.address, key, target.pool, reason, monotonic(), service=target.service)
        self._begin(own, partial(self._end_after, seconds))
        log.warning("server %s is ejected: %s", _name_of(key), reason)

    def _begin(self, own: OwnEjection, wait: Callable[[OwnEjection], None]) -> None:
        self._own[own.key] = own
        self.count += 1
        self._set_ejected(own.address, ejected=True, service=own.service)
        own.returning = gevent.spawn(wait, own)
        self.notify(own.key)

    def own_ejection(self, key: str) -> OwnEjection | None:
        """Return the ejection by this worker that the store should hold; None if there is none."""
        return self._own.get(key)

    @property
    def ejected(self) -> dict[str, tuple[str, str]]:
        """The ejecting worker and the reason, by the key of each ejection."""
        own = {key: (self.name, ejection.reason) for key, ejection in self._own.items()}
        return own | {key: (ejection.by, ejection.reason) for key, ejection in self._remote.items()}

    def receive(self, notice: EjectionNotice) -> None:
        """Apply another worker's notice: it has ejected a server, renewed the lease, or found it back."""
        key = notice.key
        if notice.by == self.name:
            if notice.seconds and key not in self._own:
                # The stored entry is from an ejection that has ended.
                self.notify(key)
            return
        if not notice.seconds:
            self._end_remote(key)
            return
        if notice.seconds > LONGEST_LEASE:
            return
        own = self._own.get(key)
        if own is not None:
            # If several workers eject a server at once, the lowest name keeps the lease.
            if self.name < notice.by:
                own.renew_at = 0.0
                self.notify(key)
                return
            self._stop_waiting(own)
            del self._own[key]
            self.notify(key)
        address = address_from_url(notice.url)
        if address is None:
            return
        known = key in self._remote
        until = monotonic() + notice.seconds
        self._remote[key] = RemoteEjection(address, notice.by, notice.reason, until, notice.service)
        if not known:
            self._set_ejected(address, ejected=True, service=notice.service)
            gevent.spawn_later(notice.seconds, self._expire, key)

    def receive_all(self, notices: Iterable[EjectionNotice]) -> None:
        """Apply the notices of all stored entries, and end remote ejections that are no longer stored."""
        stored = {notice.key: notice for notice in notices}
        for key in [key for key in self._remote if key not in stored]:
            self._end_remote(key)
        for notice in stored.values():
            self.receive(notice)
        for key in self._own.keys() - stored.keys():
            self.notify(key)

    def _end_after(self, seconds: float, own: OwnEjection) -> None:
        """End the ejection after this time; renew its lease until then."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            gevent.sleep(min(left, LONGEST_PAUSE))
            self.notify(own.key)
        log.info("server %s is back", _name_of(own.key))
        own.returning = None
        self._end_own(own)

    def _probe(self, own: OwnEjection) -> None:
        try:
            while not self._probe_succeeds(own):
                own.pause = min(own.pause * 2, LONGEST_PAUSE)
                self.notify(own.key)
        except Exception:
            # A bug in the probe must not keep a server ejected for ever.
            log.exception("probing server %s failed unexpectedly", _name_of(own.key))
        now = monotonic()
        for key in [key for key, (_, until) in self._recently_returned.items() if until < now]:
            del self._recently_returned[key]
        self._recently_returned[own.key] = (own.pause, now + RELAPSE_SECONDS)
        log.info("server %s is back after %.1f s", _name_of(own.key), now - own.since)
        own.returning = None
        self._end_own(own)

    def _probe_succeeds(self, own: OwnEjection) -> bool:
        """Pause, and then return whether the server accepts connections, over TLS if that had failed."""
        gevent.sleep(own.pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
        registry = self._registry_of(own.address)
        if own.service and (registry is None or not registry.uses(own.service, own.pool)):
            # The service has another transport now, or no longer this server.
            return True
        try:
            own.pool.probe(PROBE_TIMEOUT, with_tls=bool(own.service))
        except DialError:
            return False
        return True

    def _end_own(self, own: OwnEjection) -> None:
        self._stop_waiting(own)
        del self._own[own.key]
        self._set_ejected(own.address, ejected=False, service=own.service)
        self.notify(own.key)

    def _stop_waiting(self, own: OwnEjection) -> None:
        if own.returning is not None:
            own.returning.kill(block=False)
            own.returning = None

    def _end_remote(self, key: str) -> None:
        remote = self._remote.pop(key, None)
        if remote is not None:
            self._set_ejected(remote.address, ejected=False, service=remote.service)

    def _set_ejected(self, address: Address, ejected: bool, service: str) -> None:
        registry = self._registry_of(address)
        if registry is not None:
            registry.set_ejected(address, ejected, service)

    def _registry_of(self, address: Address) -> Registry | None:
        return self._tcp_services if address[0] == TCP else self._services

    def _expire(self, key: str) -> None:
        remote = self._remote.get(key)
        if remote is None:
            return
        left = remote.until - monotonic()
        if left > 0:
            gevent.spawn_later(left, self._expire, key)
            return
        # The worker that ejected it has ended, or cannot reach the store.
        self._end_remote(key)

    def _on_address_removed(self, address: Address) -> None:
        """End the ejections of an address that no service has; a later server there starts afresh."""
        for own in [own for own in self._own.values() if own.address == address]:
            self._end_own(own)
        for key in [key for key, remote in self._remote.items() if remote.address == address]:
            self._end_remote(key)


def _name_of(key: str) -> str:
    """Return the name of an ejected server in the log."""
    url, service = split_ejection_key(key)
    return f"{url} of service {service}" if service else url


def address_from_url(url: str) -> Address | None:
    """Return the address in a server's URL; None if the text is no such URL."""
    scheme, separator, rest = url.partition("://")
    host, colon, port = rest.rpartition(":")
    is_known = scheme in ("http", "https", "h2c", TCP)
    if not (separator and colon and host and is_known and _PORT.fullmatch(port)):
        return None
    return scheme, host.removeprefix("[").removesuffix("]"), int(port)


def _ignore(key: str) -> None:
    """Do nothing: the default without an `EjectionSync`."""
