"""The provider of Traefik's custom resources: emits whenever an object that affects its routes changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

from discovery.certificates.loading import Seal
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import CONFIG_MAPS, NODES, SECRETS, SERVICES
from discovery.kubernetes.selection import Selection
from discovery.providers.contract import Emit
from discovery.providers.kubernetes.clusters import Clusters, own_clusters
from discovery.providers.kubernetes.definitions import Definitions
from discovery.providers.kubernetes.following import Follower
from discovery.providers.kubernetes.selections import backend_selections, node_selection
from discovery.providers.kubernetes_crd.custom_resources import OPTIONAL, REQUIRED
from discovery.providers.kubernetes_crd.decode import decode
from discovery.providers.kubernetes_crd.names import PROVIDER
from discovery.providers.kubernetes_crd.policy import Policy
from rondpoint.settings import KubernetesCrdOptions


class KubernetesCrdProvider:
    """A provider that follows custom resources, services, endpoints and secrets by watches. It does not poll.

    `seal` seals private keys. Providers with the same `clusters` share watches.
    """

    name = PROVIDER

    def __init__(
        self, options: KubernetesCrdOptions, seal: Seal = str, clusters: Clusters | None = None
    ) -> None:
        clusters = clusters or own_clusters()
        objects = Objects()
        definitions = Definitions(
            self.name,
            objects,
            (*REQUIRED, *OPTIONAL),
            (SERVICES, SECRETS, CONFIG_MAPS, NODES),
            partial(decode, policy_of(options), seal),
            seal,
        )
        self._follower = Follower(
            self.name, clusters.watches(options), _selections(options), objects, definitions
        )

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the cluster until `stop`. Raises ProviderError if it cannot be read."""
        self._follower.watch(emit, stop)


def policy_of(options: KubernetesCrdOptions) -> Policy:
    """Return what these settings allow."""
    return Policy(
        allow_external_name_services=options.allow_external_name_services,
        allow_empty_services=options.allow_empty_services,
        native_lb_by_default=options.native_lb_by_default,
        node_addresses=not options.disable_cluster_scope_resources,
        ingress_class=options.ingress_class,
        allow_cross_namespace=options.allow_cross_namespace,
        cross_provider_namespaces=options.cross_provider_namespaces,
    )


def _selections(options: KubernetesCrdOptions) -> Iterator[Selection]:
    for namespace in options.namespaces or ("",):
        for resource in (*REQUIRED, *OPTIONAL):
            yield Selection(resource, namespace, options.label_selector, optional=resource in OPTIONAL)
        yield Selection(CONFIG_MAPS, namespace)
        yield from backend_selections(namespace)
    if not options.disable_cluster_scope_resources:
        yield node_selection()
