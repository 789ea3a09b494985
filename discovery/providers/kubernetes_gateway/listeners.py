"""Reads the listeners of a Gateway: their entry points, and the routes that they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from discovery.decoding.written_pair import WrittenPair
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_gateway.conditions import (
    ACCEPTED,
    CONFLICTED,
    PROGRAMMED,
    RESOLVED_REFS,
    Condition,
)
from discovery.providers.kubernetes_gateway.label_selectors import selects
from discovery.providers.kubernetes_gateway.listener_protocols import PROTOCOLS, Places, Protocol
from discovery.providers.kubernetes_gateway.listener_tls import ListenerTls, read_listener_tls
from discovery.providers.kubernetes_gateway.options import Options
from discovery.providers.kubernetes_gateway.parameters import parameters_fault
from discovery.providers.kubernetes_gateway.references import GROUP

_EXPERIMENTAL = "providers.kubernetesGateway.experimentalChannel"
_FINE = (
    Condition(ACCEPTED, True, "Accepted", "the listener is valid"),
    Condition(RESOLVED_REFS, True, "ResolvedRefs", "all references are resolved"),
    Condition(PROGRAMMED, True, "Programmed", "the listener is served"),
)


class Listener(Struct, frozen=True):
    """One listener of a Gateway. `kinds` are the kinds of routes that it takes, in the namespaces `from_`.

    Routes count as attached if the listener is `accepted`. They are served if it `serves` as well: without
    all its certificates it does not. `from_` is None for all namespaces. With `passthrough`, servers end TLS.
    A protocol without hostnames has an empty one.
    """

    namespace: str
    gateway: str
    name: str
    port: int
    protocol: str
    hostname: str
    entry_point: str = ""
    kinds: tuple[str, ...] = ()
    from_: frozenset[str] | None = frozenset()
    conditions: tuple[Condition, ...] = _FINE
    pairs: tuple[WrittenPair, ...] = ()
    passthrough: bool = False

    @property
    def layer(self) -> str:
        """The layer of its protocol; listeners of one port and layer have different hostnames."""
        known = PROTOCOLS.get(self.protocol)
        return self.protocol if known is None else known.layer

    @property
    def accepted(self) -> bool:
        return bool(self.entry_point) and all(
            each.holds == (each.type != CONFLICTED)
            for each in self.conditions
            if each.type in (ACCEPTED, CONFLICTED)
        )

    @property
    def serves(self) -> bool:
        return self.conditions == _FINE

    def takes(self, kind: str, namespace: str) -> bool:
        """Return whether routes of this kind in this namespace may attach."""
        return kind in self.kinds and (self.from_ is None or namespace in self.from_)


def read_listeners(gateway: Object, cluster: Cluster, options: Options) -> tuple[Listener, ...]:
    """Read all listeners of a Gateway; their conditions say what is wrong."""
    places = Places()
    return tuple(
        _read_listener(gateway, written, cluster, options, places)
        for written in (gateway.get("spec") or {}).get("listeners") or ()
    )


def _read_listener(
    gateway: Object, written: Mapping[str, Any], cluster: Cluster, options: Options, places: Places
) -> Listener:
    namespace, name = name_of(gateway)
    port, named = int(written.get("port") or 0), str(written.get("protocol") or "")
    hostname = str(written.get("hostname") or "")
    fault = parameters_fault(gateway)
    faults = [] if fault is None else [Condition(PROGRAMMED, False, "Invalid", fault.message)]
    entry_point, tls = "", ListenerTls()
    kinds: tuple[str, ...] = ()
    protocol = PROTOCOLS.get(named)
    if protocol is None or (protocol.experimental and not options.experimental):
        hint = "" if protocol is None else f", unless {_EXPERIMENTAL} is set"
        message = f"protocol {named} is not supported{hint}"
        faults.append(Condition(ACCEPTED, False, "UnsupportedProtocol", message))
    else:
        hostname = hostname if protocol.has_hostnames else ""
        kinds, unknown = _kinds(written, protocol)
        if unknown:
            message = f"routes of kind {', '.join(unknown)} are not supported"
            faults.append(Condition(RESOLVED_REFS, False, "InvalidRouteKinds", message))
        entry_point = _entry_point(port, protocol, options)
        if not entry_point:
            faults.append(Condition(ACCEPTED, False, "PortUnavailable", _no_entry_point(port, protocol)))
        conflict = places.take(port, protocol, hostname)
        if conflict is not None:
            faults.append(conflict)
        tls = read_listener_tls(gateway, named, written.get("tls"), cluster)
        faults += tls.faults
    return Listener(
        namespace,
        name,
        str(written.get("name") or ""),
        port,
        named,
        hostname,
        entry_point,
        kinds,
        _namespaces(namespace, (written.get("allowedRoutes") or {}).get("namespaces") or {}, cluster),
        _conditions(faults),
        tls.pairs,
        tls.passthrough,
    )


def _conditions(faults: Sequence[Condition]) -> tuple[Condition, ...]:
    if not faults:
        return _FINE
    by_type = {each.type: each for each in reversed(faults)}
    programmed = Condition(PROGRAMMED, False, "Invalid", faults[0].message)
    if CONFLICTED in by_type:
        by_type.setdefault(
            ACCEPTED, Condition(ACCEPTED, False, by_type[CONFLICTED].reason, by_type[CONFLICTED].message)
        )
    return (
        by_type.get(ACCEPTED, _FINE[0]),
        by_type.get(RESOLVED_REFS, _FINE[1]),
        *([by_type[CONFLICTED]] if CONFLICTED in by_type else []),
        programmed,
    )


def _entry_point(port: int, protocol: Protocol, options: Options) -> str:
    for name, address in options.entry_points.items():
        usable = address.udp == (protocol.layer == "udp") and not (
            protocol.layer == "http" and address.always_tls
        )
        if usable and address.port == port:
            return name
    return ""


def _no_entry_point(port: int, protocol: Protocol) -> str:
    if protocol.layer == "udp":
        return f"no entry point for UDP has port {port}"
    return f"no web entry point has port {port}{' without TLS' if protocol.layer == 'http' else ''}"


def _kinds(written: Mapping[str, Any], protocol: Protocol) -> tuple[tuple[str, ...], list[str]]:
    """Return the kinds of routes that a listener takes, and those that it names and are not supported."""
    named = (written.get("allowedRoutes") or {}).get("kinds")
    if not named:
        return protocol.kinds, []
    found, unknown = [], []
    for each in named:
        group, kind = str(each.get("group") or GROUP), str(each.get("kind") or "")
        if group == GROUP and kind in protocol.kinds:
            found.append(kind)
        else:
            unknown.append(f"{group}/{kind}")
    return tuple(dict.fromkeys(found)), unknown


def _namespaces(namespace: str, written: Mapping[str, Any], cluster: Cluster) -> frozenset[str] | None:
    source = written.get("from") or "Same"
    if source == "All":
        return None
    if source == "Selector":
        selector = written.get("selector") or {}
        return frozenset(
            item["metadata"]["name"]
            for item in cluster.all("Namespace")
            if selects(selector, item["metadata"].get("labels") or {})
        )
    return frozenset((namespace,)) if source == "Same" else frozenset()
