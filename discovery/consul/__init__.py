"""Speaking to Consul: where it is, what is asked of it, and what its faults mean.

python-consul2 makes the calls and is imported nowhere else. Nothing here knows of routes.
"""

from discovery.consul.catalogue_entries import Listing, Registered, Weights
from discovery.consul.client import UNKNOWN, WAIT, Answer, Client
from discovery.consul.endpoint import Endpoint, Tls, endpoint
from discovery.consul.errors import (
    BadAnswerError,
    ClosedError,
    ConsulError,
    NoLeaderError,
    RefusedError,
    UnreachableError,
)

__all__ = [
    "UNKNOWN",
    "WAIT",
    "Answer",
    "BadAnswerError",
    "Client",
    "ClosedError",
    "ConsulError",
    "Endpoint",
    "Listing",
    "NoLeaderError",
    "RefusedError",
    "Registered",
    "Tls",
    "UnreachableError",
    "Weights",
    "endpoint",
]
