"""Follows the keys below a prefix in etcd: all keys at one revision, and then a watch from the next one."""

from __future__ import annotations

import threading

from discovery.connections.stopping import on_stop
from discovery.providers.endpoint_rotation import EndpointRotation
from discovery.providers.errors import ProviderError
from discovery.providers.etcd.client import EtcdClient
from discovery.providers.etcd.endpoint import Endpoint, endpoints_of
from discovery.providers.etcd.faults import NoSuchRevisionError
from discovery.providers.etcd.messages import KeyValue, Watched
from discovery.providers.key_value import KeyUpdate, Report
from rondpoint.settings import EtcdOptions


class EtcdKeys:
    """The keys of etcd. A transaction of etcd is one update.

    If etcd has the last known write in its history, keys that are missing after an outage were deleted.
    Otherwise it may have lost its data; a new cluster counts its revisions from 1 again.
    """

    name = "etcd"

    def __init__(self, options: EtcdOptions) -> None:
        self._rotation = EndpointRotation(self.name, lambda: endpoints_of(options))
        self._newest: dict[str, KeyValue] = {}

    def follow(self, prefix: str, report: Report, stop: threading.Event) -> None:
        """Report the keys below `prefix` until `stop`. Raises ProviderError if no endpoint can be read."""
        self._rotation.follow(lambda endpoint: self._follow(endpoint, prefix, report, stop), stop)

    def _follow(self, endpoint: Endpoint, prefix: str, report: Report, stop: threading.Event) -> None:
        with EtcdClient(endpoint, f"{prefix}/" if prefix else "") as client, on_stop(stop, client.abort):
            try:
                while not stop.is_set():
                    revision = self._read(client, prefix, report)
                    self._watch(client, prefix, revision, report, stop)
            except ProviderError:
                if not stop.is_set():
                    raise

    def _read(self, client: EtcdClient, prefix: str, report: Report) -> int:
        """Report all keys, and return their revision."""
        known, found = self._newest.get(prefix), client.keys()
        may_be_reset = not (known is None or known in found.entries or client.has_written(known))
        self._remember(prefix, found.newest)
        report(KeyUpdate(found.keys, whole=True, may_be_reset=may_be_reset))
        return found.revision

    def _watch(
        self, client: EtcdClient, prefix: str, revision: int, report: Report, stop: threading.Event
    ) -> None:
        """Report the changes after `revision` until `stop`, or until etcd has compacted its history."""
        try:
            while not stop.is_set():
                for message in client.watch(revision + 1):
                    if message.events:
                        report(KeyUpdate(_changes(message)))
                        self._remember(prefix, _newest(message))
                        revision = int(message.header.revision)
        except NoSuchRevisionError:
            return

    def _remember(self, prefix: str, newest: KeyValue | None) -> None:
        if newest is not None:
            self._newest[prefix] = newest


def _changes(message: Watched) -> dict[str, bytes | None]:
    return {each.kv.name: None if each.type == "DELETE" else each.kv.value for each in message.events}


def _newest(message: Watched) -> KeyValue | None:
    return next((each.kv for each in reversed(message.events) if each.type != "DELETE"), None)
