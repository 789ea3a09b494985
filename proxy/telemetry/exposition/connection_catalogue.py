"""The metrics of TCP connections and UDP sessions by router, service and server, and their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec import Struct

from proxy.telemetry.exposition.catalogue import Kind, Metric
from rondpoint.store.connection_metrics import ConnectionCounts, Layer4

Level = Literal["router", "service", "server"]

OUTCOMES = {
    "forwarded": "a server got it",
    "refused": "TCP: a middleware did not admit it, or cannot be applied, or the entry point is closed. UDP: "
    "there was no room for it",
    "failed": "no server could be reached, or the service has none",
    "aborted": "it ended before it had a server, mostly because the client left or its TLS handshake failed",
}
"""The values of the label `outcome`, and their meanings."""

_SERVICE_OUTCOMES = ("forwarded", "failed")
"""Those that reach the service."""

_LABELS: dict[Level, tuple[str, ...]] = {
    "router": ("router", "service"),
    "service": ("service",),
    "server": ("service", "url"),
}
_SCOPES: dict[Level, str] = {
    "router": "that a router took",
    "service": "that reached a service",
    "server": "to a server",
}
_DROPPED: dict[Level, str] = {
    "router": "Datagrams at a router that were dropped, because there was no server for them.",
    "service": "Datagrams for a service that were dropped, because there was no server for them.",
}
_NOUNS: dict[Layer4, str] = {"tcp": "connections", "udp": "sessions"}

Value = Callable[[ConnectionCounts], Iterable[tuple[tuple[str, ...], float]]]
"""Returns the values of some counts, each with the values of the labels beyond those of the level."""


class ConnectionFamily(Struct, frozen=True):
    """One metric of a level, and its values."""

    metric: Metric
    value: Value


def _number(name: str) -> Value:
    return lambda counts: (((), getattr(counts, name)),)


def _by_outcome(outcomes: Iterable[str]) -> Value:
    return lambda counts: (((outcome,), getattr(counts, outcome)) for outcome in outcomes)


def _families(protocol: Layer4, level: Level) -> Iterator[ConnectionFamily]:
    noun, scope = _NOUNS[protocol], _SCOPES[level]
    title = f"{protocol.upper()} {noun}"

    def family(
        name: str, kind: Kind, text: str, value: Value, labels: tuple[str, ...] = ()
    ) -> ConnectionFamily:
        setting = f"metrics.prometheus.add{level.capitalize()}sLabels"
        full_name = f"rondpoint_{protocol}_{level}_{name}"
        return ConnectionFamily(Metric(full_name, kind, text, (*_LABELS[level], *labels), setting), value)

    opened = family(f"open_{noun}", "gauge", f"Open {title} {scope}.", _number("open"))
    if level == "server":
        yield family(f"{noun}_total", "counter", f"{title} {scope}.", _number("forwarded"))
        yield opened
        text = "Failed attempts to reach the server."
        if protocol == "udp":
            text = "Sessions that the server's machine has refused."
        yield family("failures_total", "counter", text, _number("failed"))
        return
    outcomes = tuple(OUTCOMES) if level == "router" else _SERVICE_OUTCOMES
    yield family(
        f"{noun}_total", "counter", f"{title} {scope}, by outcome.", _by_outcome(outcomes), ("outcome",)
    )
    yield opened
    yield family(
        "received_bytes_total",
        "counter",
        f"Bytes from clients to servers, of {title} {scope}.",
        _number("received"),
    )
    yield family(
        "sent_bytes_total", "counter", f"Bytes from servers to clients, of {title} {scope}.", _number("sent")
    )
    if protocol == "udp":
        yield family(
            "dropped_datagrams_total",
            "counter",
            _DROPPED[level],
            _number("dropped"),
        )


LEVELS: dict[tuple[Layer4, Level], tuple[ConnectionFamily, ...]] = {
    (protocol, level): tuple(_families(protocol, level)) for protocol in _NOUNS for level in _LABELS
}

CONNECTION_METRICS = tuple(each.metric for families in LEVELS.values() for each in families)
