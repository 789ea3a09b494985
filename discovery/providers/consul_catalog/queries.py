"""What is asked of Consul's catalogue.

Two blocking queries are always under way: for the list of nodes, and for checks. The services of up to
`FOLLOWED` nodes are followed by one more each: such a query comes back when something changed on that very
node, and with all that is on it. Where there are more nodes, one query tells that some service
changed, though not which, and the nodes that are not followed are read: see `reading.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discovery.consul import UNKNOWN, CatalogueEntry, Client, NodeServices, QueryResult, RefusedError
from discovery.consul.blocking_queries import Query
from discovery.providers.consul_catalog.instance import parse_service_instance

MAX_FOLLOWED_NODES = 100
"""Consul takes 200 connections from one address, unless it is set otherwise."""

CONSUL = "consul"
"""The service of Consul's servers themselves, which every catalogue holds."""

NODES = "nodes"
CHECKS = "checks"
NAMES = "names"
NODE_PREFIX = "on "
"""Goes before the name of a node."""

FIRST_QUERIES: dict[str, Query] = {
    NODES: lambda client, index: client.nodes(index),
    CHECKS: lambda client, index: client.failing_checks(index),
}

Names = Mapping[str, Sequence[str]]
"""The tags that the instances of each service have together."""


def query_names(client: Client, index: int) -> QueryResult[Names]:
    return client.services(index)


def node_query(node: str) -> Query:
    """The question what is on a node; from answer to answer, what has not changed is the same object."""
    before = UNKNOWN

    def ask(client: Client, index: int) -> QueryResult[NodeServices]:
        nonlocal before
        answer = client.services_on(node, index, before)
        before = answer.data
        return answer

    return ask


def read_service(client: Client, service: str) -> list[tuple[str, CatalogueEntry]]:
    """All instances, each with its node."""
    return [parse_service_instance(entry) for entry in client.service(service)]


def changed_services(before: Names, after: Names) -> set[str]:
    """Services that came, went, or have other tags."""
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or sorted(before[name]) != sorted(after[name])
    }


def missing_permission(permission: str) -> RefusedError:
    """Consul leaves out what a token may not see, and says nothing of it; no catalogue is empty."""
    return RefusedError(
        "Consul shows an empty catalogue: it has just started, or the token may not see it",
        f'grant it {permission}, as in: {permission.partition(":")[0]}_prefix "" {{ policy = "read" }}',
        permission,
    )
