"""Providers: the sources of routes. Each has its own package; the settings choose which ones run.

The factories import the packages, since the clients of Docker and Consul take a quarter of the agent's start.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from discovery.providers.closed import ClosedProvider
from discovery.providers.contract import Emit, Provider
from discovery.providers.errors import ProviderError
from rondpoint.settings import closed_parts
from rondpoint.store.sealing import sealer_of

if TYPE_CHECKING:
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
    from discovery.providers.consul_kv import ConsulKvProvider

    return ConsulKvProvider(options, sealer_of(settings).seal)


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
    "registrator": _registrar,
}
"""Provider name → factory, which returns None if the settings do not enable the provider."""


def _source_name(name: str, settings: Settings) -> str:
    """Return the name of the provider whose source this one reads.

    The registrar follows the engine of the Docker provider, else of the Swarm provider, unless it has an
    engine of its own.
    """
    own = settings.registrator is not None and settings.registrator.docker
    if name != "registrator" or own:
        return name
    return "swarm" if settings.providers.docker is None and settings.providers.swarm is not None else "docker"


def configured_providers(settings: Settings) -> dict[str, Provider]:
    """Return the providers that `settings` enable, by name; closed ones read nothing."""
    made: dict[str, Provider] = {}
    for name, factory in PROVIDERS.items():
        source = closed_parts.provider_part(_source_name(name, settings))
        closed = tuple(each for each in settings.closed_parts if each.part == source)
        provider = factory(settings)
        if provider is not None:
            made[name] = ClosedProvider(name, closed) if closed else provider
    return made
