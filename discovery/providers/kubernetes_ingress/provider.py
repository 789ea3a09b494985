"""The provider: follows Ingresses and the objects that they need, emits, and writes their status back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

from discovery.certificates.loading import Seal
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import (
    ENDPOINT_SLICES,
    INGRESS_CLASSES,
    INGRESSES,
    NODES,
    SECRETS,
    SERVICES,
)
from discovery.kubernetes.selection import Selection
from discovery.providers.contract import Emit
from discovery.providers.kubernetes.clusters import Clusters, own_clusters
from discovery.providers.kubernetes.definitions import Definitions
from discovery.providers.kubernetes.following import Follower
from discovery.providers.kubernetes.selections import backend_selections, node_selection
from discovery.providers.kubernetes.status_updates import StatusUpdates
from discovery.providers.kubernetes_ingress.decode import decode
from discovery.providers.kubernetes_ingress.names import PROVIDER
from discovery.providers.kubernetes_ingress.policy import Policy
from discovery.providers.kubernetes_ingress.statuses import IngressStatuses
from rondpoint.settings import KubernetesIngressOptions


class KubernetesIngressProvider:
    """A provider that emits whenever a change of the cluster affects an Ingress. It does not poll.

    `seal` seals private keys. Providers with the same `clusters` share watches.
    """

    name = PROVIDER

    def __init__(
        self, options: KubernetesIngressOptions, seal: Seal = str, clusters: Clusters | None = None
    ) -> None:
        clusters = clusters or own_clusters()
        policy = _policy(options)
        objects = Objects()
        looked_up = (SERVICES, SECRETS, ENDPOINT_SLICES, NODES, INGRESS_CLASSES)
        endpoint = options.ingress_endpoint
        self._follower = Follower(
            PROVIDER,
            clusters.watches(options),
            selections(options),
            objects,
            Definitions(PROVIDER, objects, [INGRESSES], looked_up, partial(decode, policy, seal), seal),
            None
            if endpoint is None
            else StatusUpdates(IngressStatuses(endpoint, objects, policy), clusters.leadership),
        )

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the cluster until `stop`. Raises ProviderError if it cannot be read."""
        self._follower.watch(emit, stop)


def selections(options: KubernetesIngressOptions) -> Iterator[Selection]:
    """Yield what the provider lists and watches: in all namespaces, or in those of the settings."""
    for namespace in options.namespaces or ("",):
        yield Selection(INGRESSES, namespace, options.label_selector)
        yield from backend_selections(namespace)
    if not options.disable_cluster_scope_resources:
        yield node_selection()
        if not options.disable_ingress_class_lookup:
            yield Selection(INGRESS_CLASSES)


def _policy(options: KubernetesIngressOptions) -> Policy:
    cluster_scope = not options.disable_cluster_scope_resources
    return Policy(
        allow_external_name_services=options.allow_external_name_services,
        allow_empty_services=options.allow_empty_services,
        native_lb_by_default=options.native_lb_by_default,
        node_addresses=cluster_scope,
        ingress_class=options.ingress_class,
        class_lookup=cluster_scope and not options.disable_ingress_class_lookup,
        strict_prefix_matching=options.strict_prefix_matching,
        cross_provider_namespaces=options.cross_provider_namespaces,
        pass_host_header=not options.disable_pass_host_headers,
    )
