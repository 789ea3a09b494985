"""Reading Consul's catalogue: little when it is known what changed, everything otherwise.

Three blocking queries tell that something changed: `catalog/services` (any registration), `health/state`
(any check), `catalog/nodes` (addresses). None says which instance it was, and one query a service would
be thousands of connections; so a change that shows in the names or tags of services is read at
once, service by service, and then everything, by node or by service, whichever is less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from discovery.consul import Client
from discovery.consul.following import Ask
from discovery.providers.consul_catalog.instance import Instance, of_service, on_node

QUESTIONS: dict[str, Ask] = {
    "services": lambda client, index: client.services(index),
    "nodes": lambda client, index: client.nodes(index),
    "checks": lambda client, index: client.failing_checks(index),
}

CONSUL = "consul"
"""The service of Consul's servers themselves, which every catalogue holds."""

FEW = 10
"""As many services are read one by one before everything is."""

Names = Mapping[str, Sequence[str]]


def differing(before: Names, after: Names) -> set[str]:
    """Services that came, went, or have other tags."""
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or sorted(before[name]) != sorted(after[name])
    }


def read_service(client: Client, service: str) -> list[Instance]:
    return [of_service(entry) for entry in client.service(service)]


def read_all(client: Client, services: Iterable[str], nodes: Mapping[str, str]) -> list[Instance]:
    """Every instance; `nodes` are addresses by name."""
    names = sorted(services)
    if len(names) < len(nodes):
        return [instance for name in names for instance in read_service(client, name)]
    return [
        on_node(node, address, entry)
        for node, address in sorted(nodes.items())
        for entry in client.node(node).values()
    ]
