"""The queries to Consul's catalogue.

Two blocking queries always run: one for the list of nodes and one for the checks. One more query follows each
of up to `MAX_FOLLOWED_NODES` nodes: it returns when a service on that node changed, with all services on the
node. If there are more nodes, one query reports that some service changed, but not which. The nodes that are
not followed are then read: see `reader.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discovery.consul import UNKNOWN, CatalogueEntry, Client, NodeServices, QueryResult, RefusedError
from discovery.consul.blocking_queries import Query
from discovery.providers.consul_catalog.instances import parse_service_entry

MAX_FOLLOWED_NODES = 100
"""Half of the 200 connections that Consul accepts from one address by default."""

CONSUL = "consul"
"""The service of Consul's own servers, which is in every catalogue."""

NODES = "nodes"
CHECKS = "checks"
NAMES = "names"
NODE_PREFIX = "on "
"""Prefix of the name of a node's query."""

FIRST_QUERIES: dict[str, Query] = {
    NODES: lambda client, index: client.nodes(index),
    CHECKS: lambda client, index: client.failing_checks(index),
}

Names = Mapping[str, Sequence[str]]
"""Service name → the tags of all its instances together."""


def query_names(client: Client, index: int) -> QueryResult[Names]:
    """Query the names and tags of all services."""
    return client.services(index)


def node_query(node: str) -> Query:
    """Return the query for the services on a node; entries that have not changed stay the same objects."""
    before = UNKNOWN

    def query(client: Client, index: int) -> QueryResult[NodeServices]:
        nonlocal before
        result = client.services_on(node, index, before)
        before = result.data
        return result

    return query


def read_service(client: Client, service: str) -> list[tuple[str, CatalogueEntry]]:
    """Return all instances of a service, each with its node."""
    return [parse_service_entry(entry) for entry in client.service(service)]


def changed_services(before: Names, after: Names) -> set[str]:
    """Return the services that were added or removed, or whose tags changed."""
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or sorted(before[name]) != sorted(after[name])
    }


def missing_permission(permission: str) -> RefusedError:
    """Return the error for an empty catalogue: Consul silently leaves out what a token may not see."""
    return RefusedError(
        "Consul returns an empty catalogue: it has just started, or the token may not read it",
        f'grant it {permission}, as in: {permission.partition(":")[0]}_prefix "" {{ policy = "read" }}',
        permission,
    )
