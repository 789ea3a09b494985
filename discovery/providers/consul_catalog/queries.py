"""What is asked of Consul's catalogue.

Two blocking queries are always under way: for the list of nodes, and for checks. The services of up to
`FOLLOWED` nodes are followed by one more each: such a query comes back when something changed on that very
node, and with all that is on it. Where there are more nodes, one query tells that some service
changed, though not which, and the nodes that are not followed are read: see `reading.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discovery.consul import UNKNOWN, Answer, Client, Listing, RefusedError, Registered
from discovery.consul.blocking_queries import Ask
from discovery.providers.consul_catalog.instance import of_service

FOLLOWED = 100
"""Consul takes 200 connections from one address, unless it is set otherwise."""

CONSUL = "consul"
"""The service of Consul's servers themselves, which every catalogue holds."""

NODES = "nodes"
CHECKS = "checks"
NAMES = "names"
ON = "on "
"""Goes before the name of a node."""

QUESTIONS: dict[str, Ask] = {
    NODES: lambda client, index: client.nodes(index),
    CHECKS: lambda client, index: client.failing_checks(index),
}

Names = Mapping[str, Sequence[str]]
"""The tags that the instances of each service have together."""


def ask_for_names(client: Client, index: int) -> Answer[Names]:
    return client.services(index)


def ask_for_node(node: str) -> Ask:
    """The question what is on a node; from answer to answer, what has not changed is the same object."""
    before = UNKNOWN

    def ask(client: Client, index: int) -> Answer[Listing]:
        nonlocal before
        answer = client.services_on(node, index, before)
        before = answer.data
        return answer

    return ask


def read_service(client: Client, service: str) -> list[tuple[str, Registered]]:
    """All instances, each with its node."""
    return [of_service(entry) for entry in client.service(service)]


def differing(before: Names, after: Names) -> set[str]:
    """Services that came, went, or have other tags."""
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or sorted(before[name]) != sorted(after[name])
    }


def unseen(permission: str) -> RefusedError:
    """Consul leaves out what a token may not see, and says nothing of it; no catalogue is empty."""
    return RefusedError(
        "Consul shows an empty catalogue: it has just started, or the token may not see it",
        f'grant it {permission}, as in: {permission.partition(":")[0]}_prefix "" {{ policy = "read" }}',
        permission,
    )
