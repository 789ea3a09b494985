"""Builds the connection class of an entry point from the features that its observation needs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from proxy.downstream.connection import ClientConnection, TrustedConnection
from proxy.downstream.observed_connection import HeadKeepingConnection, ObservedConnection
from proxy.downstream.traced_connection import SampledConnection, TracedConnection

if TYPE_CHECKING:
    from proxy.downstream.observed_connection import Observation


def observed_class(observation: Observation, *, trusted: bool = False) -> type[ObservedConnection]:
    """Return the class for connections of clients, or of trusted proxies."""
    return _observed_class(observation.heads, observation.tracer is not None, trusted)


@cache
def _observed_class(heads: bool, traced: bool, trusted: bool) -> type[ObservedConnection]:
    bases = (HeadKeepingConnection,) * heads + (TracedConnection,) * traced or (ObservedConnection,)
    base = TrustedConnection if trusted else ClientConnection
    base_methods = {"_base_next_request": base.next_request, "_base_forwarded": base.forwarded}
    connection_class: type[ObservedConnection] = type("Observed", (*bases, base), base_methods)
    if issubclass(connection_class, TracedConnection):
        connection_class.sampled_class = type(
            "Sampled", (SampledConnection, connection_class), {"unsampled_class": connection_class}
        )
    return connection_class
