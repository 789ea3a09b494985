"""Reads the TLS options of a listener: its mode and its certificates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from discovery.decoding.written_pair import WrittenPair
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes.secrets import ContentsFault, read_key_pair
from discovery.providers.kubernetes_gateway.conditions import ACCEPTED, RESOLVED_REFS, Condition
from discovery.providers.kubernetes_gateway.references import Location, is_granted, read_reference

_MODES = {"HTTPS": ("Terminate",), "TLS": ("Terminate", "Passthrough")}
"""The TLS modes by protocol; other protocols have no options of TLS."""


class ListenerTls(Struct, frozen=True):
    """The certificates of a listener, or that servers end TLS, and what is wrong."""

    pairs: tuple[WrittenPair, ...] = ()
    passthrough: bool = False
    faults: tuple[Condition, ...] = ()


def read_listener_tls(
    gateway: Object, protocol: str, written: Mapping[str, Any] | None, cluster: Cluster
) -> ListenerTls:
    """Read the field `tls` of a listener with this protocol."""
    if protocol not in _MODES:
        if not written:
            return ListenerTls()
        message = f"protocol {protocol} has no TLS, but the listener has options of it"
        return ListenerTls(faults=(Condition(ACCEPTED, False, "UnsupportedValue", message),))
    tls = written or {}
    mode = tls.get("mode") or "Terminate"
    if mode not in _MODES[protocol]:
        message = f"TLS mode {mode} is not supported for protocol {protocol}"
        return ListenerTls(faults=(Condition(ACCEPTED, False, "UnsupportedValue", message),))
    if mode == "Passthrough":
        return ListenerTls(passthrough=True)
    references = tls.get("certificateRefs") or ()
    if not references:
        return ListenerTls(faults=(_bad_reference("the listener names no certificate"),))
    found = list(_read_pairs(gateway, references, cluster))
    return ListenerTls(
        tuple(each for each in found if isinstance(each, WrittenPair)),
        faults=tuple(each for each in found if isinstance(each, Condition)),
    )


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
