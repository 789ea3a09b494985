"""The summary that `rondpoint up` prints when it is ready."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rondpoint.host_and_port import join_host_port
from rondpoint.settings import (
    ConsulCatalogOptions,
    ConsulOptions,
    DockerOptions,
    EntryPoint,
    EtcdOptions,
    FileOptions,
    HttpProviderOptions,
    KubernetesCrdOptions,
    KubernetesGatewayOptions,
    KubernetesIngressOptions,
    MarathonOptions,
    MesosOptions,
    NomadOptions,
    RedisKeysOptions,
    Settings,
    SwarmOptions,
    ZooKeeperOptions,
)
from rondpoint.settings.http_values import public_url
from rondpoint.store.address import redact_url


def summary_lines(settings: Settings, file: Path | None = None) -> Iterator[str]:
    """Return one line each for the settings' file, entry points, dashboard, providers, store and so on."""
    if file is not None:
        yield f"settings: {file}"
    for name, point in (settings.web_entry_points | settings.udp_entry_points).items():
        yield settings.closed_reason(name) or f"entry point {name}: {point.address}"
    if settings.api.dashboard:
        yield f"dashboard: {api_url(settings)}/dashboard/"
    yield f"providers: {', '.join(_list_providers(settings)) or 'none'}"
    if settings.registrator is not None and settings.registrator.enabled:
        consul = settings.registrator.consul
        yield _format_addresses("registrator: on", () if consul is None else (consul.address,))
    yield f"store: {'embedded' if settings.redis.url is None else redact_url(settings.redis.url)}"
    yield f"workers: {settings.workers}"


def api_url(settings: Settings) -> str:
    """Return the URL at which this machine reaches the API, without `/api`."""
    return local_url(settings.admin) + settings.api.base_path.rstrip("/")


def local_url(point: EntryPoint) -> str:
    """Return the URL at which this machine reaches an entry point."""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(point.host, point.host)  # noqa: S104
    scheme = "http" if point.tls is None else "https"
    return f"{scheme}://{join_host_port(host, point.port)}"


def _list_providers(settings: Settings) -> Iterator[str]:
    match settings.providers.docker:
        case DockerOptions(endpoint=endpoint):
            yield f"docker ({endpoint})"
    match settings.providers.swarm:
        case SwarmOptions(endpoint=endpoint):
            yield f"swarm ({endpoint})"
    match settings.providers.file:
        case FileOptions(filename=filename, directory=directory):
            yield f"file ({directory or filename})"
    match settings.providers.consul_catalog:
        case ConsulCatalogOptions(endpoint=agents):
            yield _format_addresses("consulcatalog", agents.address.split(","))
    for name in ("consul", "etcd", "redis", "zoo_keeper"):
        match getattr(settings.providers, name):
            case ConsulOptions() | EtcdOptions() | RedisKeysOptions() | ZooKeeperOptions() as options:
                yield _format_addresses(name.replace("_", ""), options.endpoints)
    match settings.providers.kubernetes_ingress:
        case KubernetesIngressOptions(endpoint=endpoint):
            yield f"kubernetes ({endpoint})" if endpoint else "kubernetes"
    match settings.providers.kubernetes_crd:
        case KubernetesCrdOptions(endpoint=endpoint):
            yield f"kubernetescrd ({endpoint})" if endpoint else "kubernetescrd"
    match settings.providers.kubernetes_gateway:
        case KubernetesGatewayOptions(endpoint=endpoint):
            yield f"kubernetesgateway ({endpoint})" if endpoint else "kubernetesgateway"
    match settings.providers.http:
        case HttpProviderOptions(endpoint=endpoint):
            yield f"http ({public_url(endpoint)})"
    match settings.providers.nomad:
        case NomadOptions(endpoint=nomad):
            yield _format_addresses("nomad", [nomad.address])
    match settings.providers.marathon:
        case MarathonOptions(endpoint=marathons):
            yield _format_addresses("marathon", marathons)
    match settings.providers.mesos:
        case MesosOptions(endpoint=masters):
            yield _format_addresses("mesos", masters)
    if settings.providers.ecs is not None:
        yield "ecs"
    if settings.providers.rest is not None:
        yield "rest"


def _format_addresses(name: str, addresses: Iterable[str]) -> str:
    # The part before @ may hold a password. Without an address, the environment or the default applies.
    shown_addresses = ", ".join(
        address.strip().rpartition("@")[2] for address in addresses if address.strip()
    )
    return f"{name} ({shown_addresses})" if shown_addresses else name
