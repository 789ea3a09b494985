"""Decides which Ingresses get another status, so that all have the addresses that the settings want."""

from __future__ import annotations

from collections.abc import Iterator, Set

from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import Key, Objects
from discovery.kubernetes.resources import INGRESS_CLASSES, INGRESSES, NODES, SERVICES
from discovery.providers.kubernetes.cluster_view import ClusterView, Kinds
from discovery.providers.kubernetes.status_updates import DueStatus
from discovery.providers.kubernetes_ingress.classes import is_taken
from discovery.providers.kubernetes_ingress.ingress import Ingress
from discovery.providers.kubernetes_ingress.names import PROVIDER
from discovery.providers.kubernetes_ingress.policy import Policy
from discovery.providers.kubernetes_ingress.status import (
    Addresses,
    StatusFault,
    is_current,
    status_with,
    wanted_addresses,
)
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import KubernetesIngressEndpoint

_PUBLISHED = Kinds((SERVICES, NODES))
_CLASSES = Kinds((INGRESS_CLASSES,))


class IngressStatuses:
    """The statuses of the Ingresses that the provider routes."""

    def __init__(self, options: KubernetesIngressEndpoint, objects: Objects, policy: Policy) -> None:
        self._options = options
        self._objects = objects
        self._policy = policy
        self._wanted: Addresses | StatusFault | None = None
        self._affected: set[Key] = set()
        self._affects_all = True

    def note(self, changed: Set[Key]) -> tuple[Diagnostic, ...]:
        """Note which objects changed; return why there is no address to write."""
        namespace, _, name = self._options.published_service.partition("/")
        resources = {key[0] for key in changed}
        published = (SERVICES, namespace, name) in changed or NODES in resources
        if published or self._wanted is None:
            view = ClusterView(self._objects, _PUBLISHED)
            self._wanted = wanted_addresses(self._options, view, node_addresses=self._policy.node_addresses)
        self._affects_all |= published or INGRESS_CLASSES in resources
        self._affected |= {key for key in changed if key[0] == INGRESSES}
        if isinstance(self._wanted, StatusFault):
            fault = self._wanted
            return (Diagnostic(Severity.ERROR, PROVIDER, "settings", fault.message, fault.hint),)
        return ()

    def due(self, *, everything: bool) -> Iterator[DueStatus]:
        """Yield the statuses that differ, of changed Ingresses or of all."""
        affected, self._affected = self._affected, set()
        if everything or self._affects_all:
            affected = {(INGRESSES, *each) for each in self._objects.all(INGRESSES)}
            self._affects_all = False
        wanted = self._wanted
        if wanted is None or isinstance(wanted, StatusFault):
            return
        for key in affected:
            item = self._objects.get(*key)
            if item is not None and self._is_own(item) and not is_current(item, wanted):
                yield DueStatus(INGRESSES, item, status_with(wanted))

    def _is_own(self, item: Object) -> bool:
        ingress = Ingress(item, self._policy, ClusterView(self._objects, _CLASSES))
        spec = ingress.read_spec()
        return spec is not None and is_taken(ingress, spec)
