"""Reads the listeners of a Gateway: their entry points, the routes that they take, and their certificates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from discovery.decoding.written_pair import WrittenPair
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes.secrets import ContentsFault, read_key_pair
from discovery.providers.kubernetes_gateway.conditions import (
    ACCEPTED,
    CONFLICTED,
    PROGRAMMED,
    RESOLVED_REFS,
    Condition,
)
from discovery.providers.kubernetes_gateway.label_selectors import selects
from discovery.providers.kubernetes_gateway.parameters import parameters_fault
from discovery.providers.kubernetes_gateway.references import (
    GROUP,
    Location,
    is_granted,
    read_reference,
)

ROUTE_KINDS = ("HTTPRoute", "GRPCRoute")
_FINE = (
    Condition(ACCEPTED, True, "Accepted", "the listener is valid"),
    Condition(RESOLVED_REFS, True, "ResolvedRefs", "all references are resolved"),
    Condition(PROGRAMMED, True, "Programmed", "the listener is served"),
)


class EntryPointAddress(Struct, frozen=True):
    """A web entry point: its port, and whether it speaks TLS with every client."""

    port: int
    always_tls: bool


class Listener(Struct, frozen=True):
    """One listener of a Gateway. `kinds` are the kinds of routes that it takes, in the namespaces `from_`.

    Routes count as attached if the listener is `accepted`. They are served if it `serves` as well: without
    all its certificates it does not. `from_` is None for all namespaces.
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


def read_listeners(
    gateway: Object, cluster: Cluster, entry_points: Mapping[str, EntryPointAddress]
) -> tuple[Listener, ...]:
    """Read all listeners of a Gateway; their conditions say what is wrong."""
    taken: set[tuple[int, str, str]] = set()
    return tuple(
        _read_listener(gateway, written, cluster, entry_points, taken)
        for written in (gateway.get("spec") or {}).get("listeners") or ()
    )


def _read_listener(
    gateway: Object,
    written: Mapping[str, Any],
    cluster: Cluster,
    entry_points: Mapping[str, EntryPointAddress],
    taken: set[tuple[int, str, str]],
) -> Listener:
    namespace, name = name_of(gateway)
    port, protocol = int(written.get("port") or 0), str(written.get("protocol") or "")
    hostname = str(written.get("hostname") or "")
    fault = parameters_fault(gateway)
    faults = [] if fault is None else [Condition(PROGRAMMED, False, "Invalid", fault.message)]
    entry_point = _entry_point(port, protocol, entry_points)
    kinds: tuple[str, ...] = ()
    pairs: tuple[WrittenPair, ...] = ()
    if protocol not in ("HTTP", "HTTPS"):
        faults.append(
            Condition(ACCEPTED, False, "UnsupportedProtocol", f"protocol {protocol} is not supported")
        )
    else:
        kinds, unknown = _kinds(written)
        if unknown:
            message = f"routes of kind {', '.join(unknown)} are not supported"
            faults.append(Condition(RESOLVED_REFS, False, "InvalidRouteKinds", message))
        if not entry_point:
            message = f"no web entry point has port {port}{'' if protocol == 'HTTPS' else ' without TLS'}"
            faults.append(Condition(ACCEPTED, False, "PortUnavailable", message))
        key = (port, protocol, hostname.lower())
        if key in taken:
            message = "another listener has the same port, protocol and hostname"
            faults.append(Condition(CONFLICTED, True, "HostnameConflict", message))
        taken.add(key)
        if protocol == "HTTPS":
            pairs, tls_faults = _pairs(gateway, written.get("tls") or {}, cluster)
            faults += tls_faults
    return Listener(
        namespace,
        name,
        str(written.get("name") or ""),
        port,
        protocol,
        hostname,
        entry_point,
        kinds,
        _namespaces(namespace, (written.get("allowedRoutes") or {}).get("namespaces") or {}, cluster),
        _conditions(faults),
        pairs,
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


def _entry_point(port: int, protocol: str, entry_points: Mapping[str, EntryPointAddress]) -> str:
    for name, address in entry_points.items():
        if address.port == port and not (protocol == "HTTP" and address.always_tls):
            return name
    return ""


def _kinds(written: Mapping[str, Any]) -> tuple[tuple[str, ...], list[str]]:
    """Return the kinds of routes that a listener takes, and those that it names and are not supported."""
    named = (written.get("allowedRoutes") or {}).get("kinds")
    if not named:
        return ROUTE_KINDS, []
    found, unknown = [], []
    for each in named:
        group, kind = str(each.get("group") or GROUP), str(each.get("kind") or "")
        if group == GROUP and kind in ROUTE_KINDS:
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


def _pairs(
    gateway: Object, tls: Mapping[str, Any], cluster: Cluster
) -> tuple[tuple[WrittenPair, ...], list[Condition]]:
    if (tls.get("mode") or "Terminate") != "Terminate":
        return (), [
            Condition(ACCEPTED, False, "UnsupportedValue", f"TLS mode {tls['mode']} is not supported")
        ]
    references = tls.get("certificateRefs") or ()
    if not references:
        message = "the listener names no certificate"
        return (), [Condition(RESOLVED_REFS, False, "InvalidCertificateRef", message)]
    pairs: list[WrittenPair] = []
    faults: list[Condition] = []
    for found in _read_pairs(gateway, references, cluster):
        (pairs if isinstance(found, WrittenPair) else faults).append(found)  # type: ignore[arg-type]
    return tuple(pairs), faults


def _read_pairs(
    gateway: Object, references: Sequence[Mapping[str, Any]], cluster: Cluster
) -> Iterator[WrittenPair | Condition]:
    namespace, _ = name_of(gateway)
    for written in references:
        to = read_reference(written, namespace, "", "Secret")
        if (to.group, to.kind) != ("", "Secret"):
            yield _bad_reference(f"{to.group}/{to} is no Secret")
        elif not is_granted(cluster, "Gateway", namespace, to):
            message = f"no ReferenceGrant in namespace {to.namespace} allows the reference to {to}"
            yield Condition(RESOLVED_REFS, False, "RefNotPermitted", message)
        else:
            try:
                yield read_key_pair(to.name, Location(to.namespace, cluster))
            except ContentsFault as fault:
                yield _bad_reference(str(fault))


def _bad_reference(message: str) -> Condition:
    return Condition(RESOLVED_REFS, False, "InvalidCertificateRef", message)
