"""Keeps the status of all Ingresses of the provider at the addresses that the settings want."""

from __future__ import annotations

from collections.abc import Set

from discovery.kubernetes.client import Client, Object
from discovery.kubernetes.cluster import Cluster
from discovery.kubernetes.objects import Key, Objects
from discovery.kubernetes.resources import INGRESS_CLASSES, INGRESSES, NODES, SERVICES
from discovery.providers.kubernetes.cluster_view import ClusterView, Kinds
from discovery.providers.kubernetes.status_writer import StatusWriter
from discovery.providers.kubernetes_ingress.classes import is_taken
from discovery.providers.kubernetes_ingress.ingress import Ingress
from discovery.providers.kubernetes_ingress.names import PROVIDER
from discovery.providers.kubernetes_ingress.policy import Policy
from discovery.providers.kubernetes_ingress.status import (
    Addresses,
    StatusFault,
    is_current,
    wanted_addresses,
    with_status,
)
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import KubernetesIngressEndpoint

_PUBLISHED = Kinds((SERVICES, NODES))
_CLASSES = Kinds((INGRESS_CLASSES,))


class StatusUpdates:
    """Compares the status of changed Ingresses with the wanted one, and has differing ones written."""

    def __init__(self, options: KubernetesIngressEndpoint, objects: Objects, policy: Policy) -> None:
        self._options = options
        self._objects = objects
        self._policy = policy
        self._writer: StatusWriter | None = None
        self._wanted: Addresses | StatusFault | None = None

    def close(self) -> None:
        """Stop to write."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def update(self, changed: Set[Key], api_server: Cluster) -> tuple[Diagnostic, ...]:
        """Have the status of Ingresses written that these changes affect; return what keeps it from that."""
        if self._writer is None:
            self._writer = StatusWriter(Client(api_server))
        namespace, _, name = self._options.published_service.partition("/")
        affects_all = self._wanted is None or (SERVICES, namespace, name) in changed
        if affects_all or any(key[0] == NODES for key in changed):
            view = ClusterView(self._objects, _PUBLISHED)
            self._wanted = wanted_addresses(self._options, view, node_addresses=self._policy.node_addresses)
            keys = {(INGRESSES, *each) for each in self._objects.all(INGRESSES)}
        else:
            keys = {key for key in changed if key[0] == INGRESSES}
        if isinstance(self._wanted, StatusFault):
            fault = self._wanted
            return (Diagnostic(Severity.ERROR, PROVIDER, "settings", fault.message, fault.hint),)
        for key in keys if self._wanted is not None else ():
            item = self._objects.get(*key)
            if item is not None and self._is_own(item) and not is_current(item, self._wanted or []):
                self._writer.write(INGRESSES, with_status(item, self._wanted or []))
        return ()

    def _is_own(self, item: Object) -> bool:
        ingress = Ingress(item, self._policy, ClusterView(self._objects, _CLASSES))
        spec = ingress.read_spec()
        return spec is not None and is_taken(ingress, spec)
