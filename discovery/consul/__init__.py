"""Consul client: endpoints, API calls, blocking queries and error messages.

python-consul2 makes the calls and is imported nowhere else. Nothing here knows about routes.
"""

from discovery.consul.catalogue_entries import CatalogueEntry, NodeServices, Weights
from discovery.consul.client import UNKNOWN, WAIT, Client, QueryResult
from discovery.consul.endpoint import Endpoint, Tls, endpoint
from discovery.consul.errors import (
    BadResponseError,
    ClosedError,
    ConsulError,
    NoLeaderError,
    RefusedError,
    UnreachableError,
)

__all__ = [
    "UNKNOWN",
    "WAIT",
    "BadResponseError",
    "CatalogueEntry",
    "Client",
    "ClosedError",
    "ConsulError",
    "Endpoint",
    "NoLeaderError",
    "NodeServices",
    "QueryResult",
    "RefusedError",
    "Tls",
    "UnreachableError",
    "Weights",
    "endpoint",
]
