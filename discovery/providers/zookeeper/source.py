"""Follows the znodes below a prefix with one persistent recursive watch."""

from __future__ import annotations

import threading

from discovery.connections.stopping import on_stop
from discovery.providers.endpoint_rotation import EndpointRotation
from discovery.providers.errors import ProviderError
from discovery.providers.key_value import KeyUpdate, Report
from discovery.providers.zookeeper.endpoint import Endpoint, endpoints
from discovery.providers.zookeeper.errors import ClosedError
from discovery.providers.zookeeper.history import History
from discovery.providers.zookeeper.mirror import Mirror
from discovery.providers.zookeeper.session import Session
from rondpoint.settings import ZooKeeperOptions


class ZooKeeperSource:
    """The znodes of one ensemble. After a failure, the next of its servers is followed."""

    name = "zookeeper"

    def __init__(self, options: ZooKeeperOptions) -> None:
        self._options = options
        self._rotation: EndpointRotation[Endpoint] | None = None
        self._histories: dict[str, History] = {}
        self._lock = threading.Lock()

    def follow(self, prefix: str, report: Report, stop: threading.Event) -> None:
        """Report the keys below `prefix` until `stop`. Raises ProviderError if no server can be read."""
        self._servers().follow(lambda endpoint: self._follow(endpoint, prefix, report, stop), stop)

    def _servers(self) -> EndpointRotation[Endpoint]:
        with self._lock:
            try:
                self._rotation = self._rotation or EndpointRotation(self.name, endpoints(self._options))
            except ValueError as error:
                raise ProviderError(str(error)) from error
            return self._rotation

    def _follow(self, endpoint: Endpoint, prefix: str, report: Report, stop: threading.Event) -> None:
        session, root = Session(endpoint), f"/{prefix}"
        try:
            with on_stop(stop, session.abort), session:
                # The watch comes first: a change during the reads may be read twice, but none is lost.
                session.watch(root)
                session.sync(root)
                mirror = Mirror(root, session)
                keys = mirror.load()
                history = History(mirror.root_created, session.zxid)
                may_be_reset = not history.continues(self._histories.get(prefix))
                self._histories[prefix] = history
                report(KeyUpdate(keys, whole=True, may_be_reset=may_be_reset))
                while not stop.is_set():
                    changes = mirror.apply(session.events())
                    self._histories[prefix] = History(mirror.root_created, session.zxid)
                    if changes:
                        report(KeyUpdate(changes))
        except ClosedError:
            if not stop.is_set():
                raise
