"""Applies BackendTLSPolicies: TLS from the proxy to a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes.secrets import ContentsFault, read_authority, read_authority_of_config_map
from discovery.providers.kubernetes_gateway.references import Location, Reference
from discovery.providers.kubernetes_gateway.service_references import BackendFaultError, ServiceReference
from rondpoint.model import ServersTransport


def backend_transport(found: ServiceReference, name: str, cluster: Cluster) -> ServersTransport | None:
    """Return the transport that a BackendTLSPolicy demands; of several, the oldest one counts.

    Raises BackendFaultError if the policy cannot be applied.
    """
    to, port_name = found.to, str(found.port.get("name") or "")
    policies = [
        policy
        for policy in cluster.all("BackendTLSPolicy", to.namespace)
        if any(
            target.get("kind") == "Service"
            and target.get("name") == to.name
            and target.get("sectionName") in (None, port_name)
            for target in (policy.get("spec") or {}).get("targetRefs") or ()
        )
    ]
    if not policies:
        return None
    policy = min(
        policies, key=lambda each: (each["metadata"].get("creationTimestamp") or "", each["metadata"]["name"])
    )
    validation = policy["spec"].get("validation") or {}
    return ServersTransport(
        name,
        server_name=str(validation.get("hostname") or ""),
        root_cas=_authorities(validation, to, cluster),
    )


def _authorities(validation: Mapping[str, Any], to: Reference, cluster: Cluster) -> tuple[str, ...]:
    """Return the authorities of a policy; empty for those of the system. Raises BackendFaultError."""
    references = validation.get("caCertificateRefs") or ()
    if not references:
        if validation.get("wellKnownCACertificates") == "System":
            return ()
        raise BackendFaultError("RefNotPermitted", f"the BackendTLSPolicy of {to} names no authority")
    place, texts = Location(to.namespace, cluster), []
    for written in references:
        try:
            if written.get("kind") == "Secret":
                texts.append(read_authority(str(written.get("name")), place))
            elif written.get("kind") == "ConfigMap":
                texts.append(read_authority_of_config_map(str(written.get("name")), place))
            else:
                message = f"the BackendTLSPolicy of {to} names a {written.get('kind')} as authority"
                raise BackendFaultError("RefNotPermitted", message)
        except ContentsFault as fault:
            message = f"the BackendTLSPolicy of {to} cannot be applied: {fault}"
            raise BackendFaultError("RefNotPermitted", message) from fault
    return tuple(texts)
