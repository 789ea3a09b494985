"""Speaking to Consul: where it is, what is asked of it, and what its faults mean.

python-consul2 makes the calls and is imported nowhere else. Nothing here knows of routes.
"""

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
from discovery.consul.registered import Listing, Registered, Weights

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
