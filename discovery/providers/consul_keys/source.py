"""Follows the keys below a prefix in Consul with blocking queries."""

from __future__ import annotations

import threading

from discovery.connections.stopping import on_stop
from discovery.consul import Client, Endpoint
from discovery.consul.blocking_queries import PAUSE
from discovery.consul.settings_endpoints import key_endpoints
from discovery.providers.consul_agents import ConsulAgents
from discovery.providers.key_value import KeyUpdate, Report
from rondpoint.settings import ConsulOptions

_ALIAS = "alias"


class ConsulKeys:
    """The keys of Consul. A blocking query returns all keys below a prefix after one of them has changed."""

    name = "consul"

    def __init__(self, options: ConsulOptions) -> None:
        self._agents = ConsulAgents(self.name, lambda: key_endpoints(options))

    def follow(self, prefix: str, report: Report, stop: threading.Event) -> None:
        """Report the keys below `prefix` until `stop`. Raises ProviderError if no endpoint can be read."""
        self._agents.follow(lambda endpoint: _follow(endpoint, prefix, report, stop), stop)


def _follow(endpoint: Endpoint, prefix: str, report: Report, stop: threading.Event) -> None:
    index, first = 0, True
    with Client(endpoint) as client, on_stop(stop, client.abort):
        while not stop.is_set():
            result = client.keys_below(f"{prefix}/" if prefix else "", index)
            if first or result.index != index:
                if not result.data:
                    # Consul silently leaves out keys that a token may not read, but refuses to read one of
                    # them by name.
                    client.key(f"{prefix}/{_ALIAS}")
                # If the index runs backwards, Consul has been reset; after an outage it may have been.
                may_be_reset = first or result.index < index
                report(KeyUpdate(result.data, whole=True, may_be_reset=may_be_reset))
            index, first = result.index, False
            client.pause(PAUSE)
