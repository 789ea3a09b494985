"""Follows in ZooKeeper which Mesos master leads.

Each master creates a znode `json.info_NUMBER` below the path of the election. The one with the lowest number
leads; its data is the master's description in JSON.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import NamedTuple

from msgspec import MsgspecError, Struct, json

from discovery.connections.addresses import parse_address
from discovery.connections.backoff import Backoff
from discovery.connections.stopping import on_stop
from discovery.providers.endpoint_rotation import EndpointRotation
from discovery.providers.errors import ProviderError
from discovery.providers.mesos.endpoint import Election
from discovery.providers.mesos.values import address_of
from discovery.providers.zookeeper_client.endpoint import Endpoint
from discovery.providers.zookeeper_client.errors import ClosedError
from discovery.providers.zookeeper_client.session import Session

logger = logging.getLogger(__name__)

_FIRST_DELAY, _LAST_DELAY = 0.5, 5.0
_PORT = 2181
_CANDIDATE = re.compile(r"json\.info_(\d+)\Z", re.ASCII)
_OLD_CANDIDATE = re.compile(r"info_\d+\Z", re.ASCII)


class LeadingMaster(NamedTuple):
    """The URL of the leading master; `over` is set as soon as it does not lead any more."""

    url: str
    over: threading.Event


class MasterElection:
    """The election of masters inside `with`, followed in a thread of its own.

    If ZooKeeper fails, the last known master stays the leading one.
    """

    def __init__(self, election: Election, scheme: str) -> None:
        """Prepare for the election; `scheme` is that of the master's URL. Raises ValueError."""
        servers = [
            Endpoint(parse_address(each, "ZooKeeper", _PORT), election.username, election.password)
            for each in election.servers
        ]
        self._servers = EndpointRotation("mesos", lambda: servers)
        self._path = election.path
        self._scheme = scheme
        self._closed = threading.Event()
        self._changed = threading.Condition()
        self._leading: LeadingMaster | None = None
        self._fault: ProviderError | None = None
        self._backoff = Backoff(_FIRST_DELAY, _LAST_DELAY)
        self._thread = threading.Thread(target=self._run, name="mesos-election", daemon=True)

    def __enter__(self) -> MasterElection:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._thread.join()

    def close(self) -> None:
        """End the election, from any thread: `leading` returns None, and the last master is over."""
        self._closed.set()
        self._publish(None)

    def leading(self, timeout: float | None) -> LeadingMaster | None:
        """Wait for a leading master, `timeout` seconds at most; return None after `close`.

        Raises ProviderError if there is none, or if no ZooKeeper server can be read.
        """
        with self._changed:
            self._changed.wait_for(self._is_decided, timeout)
            if self._closed.is_set() or self._leading is not None:
                return self._leading
            raise self._fault or ProviderError(
                f"no Mesos master leads: ZooKeeper has none below {self._path}",
                "is this the path of the masters' flag --zk?",
            )

    def _is_decided(self) -> bool:
        return self._closed.is_set() or self._leading is not None or self._fault is not None

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._servers.follow(self._follow, self._closed)
            except ProviderError as error:
                with self._changed:
                    self._fault = error
                    self._changed.notify_all()
                    if self._leading is not None:
                        logger.warning("provider mesos: %s; %s is still followed", error, self._leading.url)
            self._closed.wait(self._backoff.next())

    def _follow(self, endpoint: Endpoint) -> None:
        session = Session(endpoint)
        try:
            with on_stop(self._closed, session.abort), session:
                while True:
                    url = self._find_leader(session)
                    self._backoff.reset()
                    self._publish(url)
                    session.events()
        except ClosedError:
            return

    def _find_leader(self, session: Session) -> str | None:
        while True:
            names = session.watch_children(self._path) or ()
            leader = leading_candidate(names)
            if leader is None:
                if any(map(_OLD_CANDIDATE.match, names)):
                    raise ProviderError(
                        "the Mesos masters are older than Mesos 0.24", "name them in the endpoint"
                    )
                return None
            data = session.data(f"{self._path}/{leader}")
            # Without data, the znode has gone since; its event is about to arrive.
            if data is not None:
                return f"{self._scheme}://{master_address(data)}"

    def _publish(self, url: str | None) -> None:
        with self._changed:
            self._fault = None
            before = self._leading
            if url is not None and self._closed.is_set():
                return
            if before is not None and before.url == url:
                return
            if before is not None:
                before.over.set()
            self._leading = None if url is None else LeadingMaster(url, threading.Event())
            self._changed.notify_all()


def leading_candidate(names: Iterable[str]) -> str | None:
    """Return the name of the leading master's znode, None if there is none."""
    found = [(int(match[1]), name) for name in names if (match := _CANDIDATE.match(name))]
    return min(found)[1] if found else None


class _Address(Struct, frozen=True):
    ip: str = ""
    port: int = 0


class _Master(Struct, frozen=True):
    """The description of a master (`MasterInfo`)."""

    address: _Address = _Address()
    pid: str = ""


def master_address(data: bytes) -> str:
    """Return `ADDRESS:PORT` from a master's description. Raises ProviderError."""
    try:
        master = json.decode(data, type=_Master)
    except MsgspecError as error:
        raise ProviderError(f"the Mesos master's description in ZooKeeper is invalid: {error}") from None
    own = master.address
    address = (f"[{own.ip}]" if ":" in own.ip else own.ip) + f":{own.port}" if own.ip and own.port else ""
    if not address:
        address = address_of(master.pid)
    if not address:
        raise ProviderError("the Mesos master's description in ZooKeeper has no address")
    return address
