"""What is asked of Consul's catalogue.

Two blocking queries are always under way: for the list of nodes, and for checks. The services of up to
`FOLLOWED` nodes are followed by one more each: such a query comes back when something changed on that very
node, and with all that is on it. Where there are more nodes, one query tells that some service
changed, though not which, and the rest is read: see `whole.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from discovery.consul import Client, RefusedError
from discovery.consul.following import Ask
from discovery.providers.consul_catalog.instance import Instance, of_service, on_node

FOLLOWED = 100
"""Consul takes 200 connections from one address, unless it is set otherwise."""

CONSUL = "consul"
"""The service of Consul's servers themselves, which every catalogue holds."""

NODES = "nodes"
CHECKS = "checks"
QUESTIONS: dict[str, Ask] = {
    NODES: lambda client, index: client.nodes(index),
    CHECKS: lambda client, index: client.failing_checks(index),
}


def read_service(client: Client, service: str) -> list[Instance]:
    return [of_service(entry) for entry in client.service(service)]


def read_all(client: Client, services: Iterable[str], nodes: Mapping[str, str]) -> list[Instance]:
    """Every instance, by service or by node, whichever are fewer; `nodes` are addresses by name."""
    names = sorted(services)
    if len(names) < len(nodes):
        return [instance for name in names for instance in read_service(client, name)]
    return [
        on_node(node, address, entry)
        for node, address in sorted(nodes.items())
        for entry in client.services_on(node).data.values()
    ]


def unseen(permission: str) -> RefusedError:
    """Consul leaves out what a token may not see, and says nothing of it; no catalogue is empty."""
    return RefusedError(
        "Consul shows an empty catalogue: it has just started, or the token may not see it",
        f'grant it {permission}, as in: {permission.partition(":")[0]}_prefix "" {{ policy = "read" }}',
        permission,
    )
