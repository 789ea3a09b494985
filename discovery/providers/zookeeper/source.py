"""Follows the znodes below a prefix with one persistent recursive watch."""

from __future__ import annotations

import threading

from discovery.connections.stopping import on_stop
from discovery.providers.endpoint_rotation import EndpointRotation
from discovery.providers.key_value import KeyUpdate, Report
from discovery.providers.zookeeper.history import History
from discovery.providers.zookeeper.mirror import Mirror
from discovery.providers.zookeeper_client.endpoint import Endpoint, endpoints_of
from discovery.providers.zookeeper_client.errors import ClosedError
from discovery.providers.zookeeper_client.session import Session
from rondpoint.settings import ZooKeeperOptions


class ZooKeeperKeys:
    """The znodes of one ensemble. After a failure, the next of its servers is followed."""

    name = "zookeeper"

    def __init__(self, options: ZooKeeperOptions) -> None:
        self._rotation = EndpointRotation(self.name, lambda: endpoints_of(options))
        self._histories: dict[str, History] = {}

    def follow(self, prefix: str, report: Report, stop: threading.Event) -> None:
        """Report the keys below `prefix` until `stop`. Raises ProviderError if no server can be read."""
        self._rotation.follow(lambda endpoint: self._follow(endpoint, prefix, report, stop), stop)

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
