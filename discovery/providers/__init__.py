"""Providers: the sources of routes. Each has its own package; the settings choose which ones run.

The factories import the packages, since the clients of Docker and Consul take a quarter of the agent's start.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from discovery.leadership import Leadership, permanent
from discovery.providers.closed import ClosedProvider
from discovery.providers.contract import Emit, Provider
from discovery.providers.errors import ProviderError
from rondpoint.settings import closed_parts
from rondpoint.store.sealing import sealer_of

if TYPE_CHECKING:
    from discovery.providers.kubernetes.clusters import Clusters
    from rondpoint.settings.tree import Settings

__all__ = ["PROVIDERS", "Emit", "Provider", "ProviderError", "configured_providers"]

Factory = Callable[["Settings"], Provider | None]


def _docker(settings: Settings) -> Provider | None:
    options = settings.providers.docker
    if options is None:
        return None
    from discovery.providers.docker import DockerProvider

    return DockerProvider(options)


def _swarm(settings: Settings) -> Provider | None:
    options = settings.providers.swarm
    if options is None:
        return None
    from discovery.providers.swarm import SwarmProvider

    return SwarmProvider(options)


def _file(settings: Settings) -> Provider | None:
    options = settings.providers.file
    if options is None:
        return None
    from discovery.providers.file import FileProvider

    return FileProvider(options, sealer_of(settings).seal)


def _consul_catalogue(settings: Settings) -> Provider | None:
    options = settings.providers.consul_catalog
    if options is None:
        return None
    from discovery.providers.consul_catalog import ConsulCatalogProvider

    return ConsulCatalogProvider(options)


def _consul_keys(settings: Settings) -> Provider | None:
    options = settings.providers.consul
    if options is None:
        return None
    from discovery.providers.consul_keys import consul_provider

    return consul_provider(options, sealer_of(settings).seal)


def _zookeeper(settings: Settings) -> Provider | None:
    options = settings.providers.zoo_keeper
    if options is None:
        return None
    from discovery.providers.zookeeper import zookeeper_provider

    return zookeeper_provider(options, sealer_of(settings).seal)


def _etcd(settings: Settings) -> Provider | None:
    options = settings.providers.etcd
    if options is None:
        return None
    from discovery.providers.etcd import etcd_provider

    return etcd_provider(options, sealer_of(settings).seal)


def _redis(settings: Settings) -> Provider | None:
    options = settings.providers.redis
    if options is None:
        return None
    from discovery.providers.redis_keys import redis_provider

    return redis_provider(options, sealer_of(settings).seal)


def _kubernetes_ingress(clusters: Callable[[], Clusters], settings: Settings) -> Provider | None:
    options = settings.providers.kubernetes_ingress
    if options is None:
        return None
    from discovery.providers.kubernetes_ingress import KubernetesIngressProvider

    return KubernetesIngressProvider(options, sealer_of(settings).seal, clusters())


def _kubernetes_crd(clusters: Callable[[], Clusters], settings: Settings) -> Provider | None:
    options = settings.providers.kubernetes_crd
    if options is None:
        return None
    from discovery.providers.kubernetes_crd.provider import KubernetesCrdProvider

    return KubernetesCrdProvider(options, sealer_of(settings).seal, clusters())


def _http(settings: Settings) -> Provider | None:
    options = settings.providers.http
    if options is None:
        return None
    from discovery.providers.http import HttpProvider

    return HttpProvider(options, sealer_of(settings).seal)


def _nomad(settings: Settings) -> Iterable[Provider]:
    options = settings.providers.nomad
    if options is None:
        return ()
    from discovery.providers.nomad import nomad_providers

    return nomad_providers(options)


def _marathon(settings: Settings) -> Provider | None:
    options = settings.providers.marathon
    if options is None:
        return None
    from discovery.providers.marathon import MarathonProvider

    return MarathonProvider(options)


def _mesos(settings: Settings) -> Provider | None:
    options = settings.providers.mesos
    if options is None:
        return None
    from discovery.providers.mesos import MesosProvider

    return MesosProvider(options)


def _ecs(settings: Settings) -> Provider | None:
    options = settings.providers.ecs
    if options is None:
        return None
    from discovery.providers.ecs import EcsProvider

    return EcsProvider(options)


def _kubernetes_gateway(clusters: Callable[[], Clusters], settings: Settings) -> Provider | None:
    options = settings.providers.kubernetes_gateway
    if options is None:
        return None
    from discovery.providers.kubernetes_gateway import KubernetesGatewayProvider
    from discovery.providers.kubernetes_gateway.options import EntryPointAddress

    tls = settings.tls_entry_points
    entry_points = {
        name: EntryPointAddress(point.port, always_tls=name in tls)
        for name, point in settings.web_entry_points.items()
    }
    for name, point in settings.udp_entry_points.items():
        entry_points[name] = EntryPointAddress(point.port, udp=True)
    return KubernetesGatewayProvider(options, entry_points, sealer_of(settings).seal, clusters())


def _clusters(leadership: Leadership) -> Clusters:
    from discovery.providers.kubernetes.clusters import Clusters

    return Clusters(leadership)


def _registrar(settings: Settings) -> Provider | None:
    """Return the registrar, a provider that emits diagnostics and no routes."""
    options = settings.registrator
    if options is None or not options.enabled:
        return None
    from discovery.providers.registrar import Registrar
    from discovery.registrar.options import plan_from_settings

    return Registrar(lambda: plan_from_settings(settings, options))


PROVIDERS: Mapping[str, Factory] = {
    "docker": _docker,
    "swarm": _swarm,
    "file": _file,
    "consulcatalog": _consul_catalogue,
    "consul": _consul_keys,
    "http": _http,
    "marathon": _marathon,
    "mesos": _mesos,
    "ecs": _ecs,
    "zookeeper": _zookeeper,
    "etcd": _etcd,
    "redis": _redis,
    "registrator": _registrar,
}
"""Provider name → factory, which returns None if the settings do not enable the provider."""

KUBERNETES: Mapping[str, Callable[[Callable[[], Clusters], Settings], Provider | None]] = {
    "kubernetes": _kubernetes_ingress,
    "kubernetescrd": _kubernetes_crd,
    "kubernetesgateway": _kubernetes_gateway,
}
"""Like PROVIDERS, for those that share the watches of a cluster."""

SEVERAL: Mapping[str, Callable[[Settings], Iterable[Provider]]] = {"nomad": _nomad}
"""Like PROVIDERS, for sources that are read by a provider for each of their namespaces."""


def _source_name(name: str, settings: Settings) -> str:
    """Return the name of the provider whose source this one reads.

    The registrar follows the engine of the Docker provider, else of the Swarm provider, unless it has an
    engine of its own.
    """
    own = settings.registrator is not None and settings.registrator.docker
    if name != "registrator" or own:
        return name
    return "swarm" if settings.providers.docker is None and settings.providers.swarm is not None else "docker"


def configured_providers(settings: Settings, leadership: Leadership | None = None) -> dict[str, Provider]:
    """Return the providers that `settings` enable, by name; closed ones read nothing.

    Providers that write to their source do so only with the `leadership`, by default always.
    """
    made: dict[str, Provider] = {}
    clusters = cache(partial(_clusters, leadership or permanent()))
    factories: dict[str, Factory] = dict(PROVIDERS)
    factories |= {name: partial(make, clusters) for name, make in KUBERNETES.items()}
    for name, factory in factories.items():
        source = closed_parts.provider_part(_source_name(name, settings))
        closed = tuple(each for each in settings.closed_parts if each.part == source)
        provider = factory(settings)
        if provider is not None:
            made[name] = ClosedProvider(name, closed) if closed else provider
    for several in SEVERAL.values():
        made |= {provider.name: provider for provider in several(settings)}
    return made
