"""The provider of the Gateway API: emits whenever an object that affects its routes changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from discovery.certificates.loading import Seal
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import (
    BACKEND_TLS_POLICIES,
    CONFIG_MAPS,
    GATEWAY_CLASSES,
    NAMESPACES,
    REFERENCE_GRANTS,
    SECRETS,
    SERVICES,
)
from discovery.kubernetes.selection import Selection
from discovery.providers.contract import Emit
from discovery.providers.kubernetes.clusters import Clusters, own_clusters
from discovery.providers.kubernetes.definitions import Definitions
from discovery.providers.kubernetes.following import Follower
from discovery.providers.kubernetes.lookup import DecodingPolicy
from discovery.providers.kubernetes.selections import backend_selections
from discovery.providers.kubernetes.status_updates import StatusUpdates
from discovery.providers.kubernetes_gateway.decoder import Decoder
from discovery.providers.kubernetes_gateway.options import PROVIDER, EntryPointAddress, Options
from discovery.providers.kubernetes_gateway.roots import EXPERIMENTAL, OPTIONAL, REQUIRED, ROOTS
from discovery.providers.kubernetes_gateway.status_addresses import StatusAddresses
from discovery.providers.kubernetes_gateway.statuses import GatewayStatuses
from rondpoint.settings import KubernetesGatewayOptions

CONTROLLER = "traefik.io/gateway-controller"
"""Traefik's name of the controller, so that its GatewayClasses need no change."""

_LOOKED_UP = (
    *(GATEWAY_CLASSES, REFERENCE_GRANTS, BACKEND_TLS_POLICIES),
    *(SERVICES, SECRETS, CONFIG_MAPS, NAMESPACES),
)


class KubernetesGatewayProvider:
    """A provider that follows the objects of the Gateway API by watches, and writes their statuses.

    `seal` seals private keys. `entry_points` are those that the ports of listeners may name.
    Providers with the same `clusters` share watches.
    """

    name = PROVIDER

    def __init__(
        self,
        options: KubernetesGatewayOptions,
        entry_points: Mapping[str, EntryPointAddress],
        seal: Seal = str,
        clusters: Clusters | None = None,
    ) -> None:
        clusters = clusters or own_clusters()
        objects = Objects()
        addresses = StatusAddresses(options.status_address, objects)
        statuses = GatewayStatuses(objects, CONTROLLER, addresses.read)
        policy = DecodingPolicy(
            allow_empty_services=True,
            native_lb_by_default=options.native_lb_by_default,
            cross_provider_namespaces=options.cross_provider_namespaces,
            option_prefix="providers.kubernetesGateway.",
        )
        decoded = Options(CONTROLLER, entry_points, policy, options.experimental_channel)
        decoder = Decoder(decoded, statuses)
        definitions = Definitions(self.name, objects, ROOTS, _LOOKED_UP, decoder.decode, seal)
        self._follower = Follower(
            self.name,
            clusters.watches(options),
            selections(options),
            objects,
            definitions,
            StatusUpdates(statuses, clusters.leadership),
        )

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the cluster until `stop`. Raises ProviderError if it cannot be read."""
        self._follower.watch(emit, stop)


def selections(options: KubernetesGatewayOptions) -> Iterator[Selection]:
    """Yield what the provider follows."""
    yield Selection(GATEWAY_CLASSES, "", options.label_selector)
    yield Selection(NAMESPACES)
    for namespace in options.namespaces or ("",):
        for resource in (*REQUIRED, REFERENCE_GRANTS, BACKEND_TLS_POLICIES):
            yield Selection(resource, namespace)
        for resource in (*OPTIONAL, *(EXPERIMENTAL if options.experimental_channel else ())):
            yield Selection(resource, namespace, optional=True, reported=True)
        yield Selection(CONFIG_MAPS, namespace)
        yield from backend_selections(namespace)
