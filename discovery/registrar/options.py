"""The options of a registrar, read from the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from discovery.consul import Endpoint
from discovery.consul.settings_endpoints import catalogue_endpoints, registrar_endpoint
from discovery.registrar.host import host_address, host_name
from discovery.registrar.registration import Options
from rondpoint.settings import EngineOptions, RegistratorOptions, Settings

SOCKETS = (Path("/tmp/docker.sock"), Path("/var/run/docker.sock"))  # noqa: S108 (where Registrator has it)
"""The default sockets of the engine: the first that exists, else the last."""


class Plan(Struct, frozen=True):
    """The configuration of a registrar.

    `engine` says how to reach the engine, and `engine_setting` names the setting of its address. `consul` is
    a single agent, because only the agent that a service was registered with can deregister it. `resync` is
    the interval in seconds at which everything is registered again, 0 for never. For `cleanup` see
    RegisteredServices, for `on_success` Containers.
    """

    options: Options
    engine: EngineOptions
    engine_setting: str
    consul: Endpoint
    resync: float = 0.0
    cleanup: bool = False
    on_success: bool = False


def plan_from_settings(settings: Settings, options: RegistratorOptions) -> Plan:
    """Return the plan that the settings describe. Raises ValueError with one line if a value is invalid."""
    return Plan(
        registration_options(
            internal=options.internal,
            ip=options.ip,
            explicit=options.explicit,
            tags=options.tags,
            ip_label=options.use_ip_from_label,
        ),
        EngineOptions(endpoint=options.docker) if options.docker else _engine(settings),
        "registrator.docker",
        _consul_endpoint(settings, options),
        options.resync,
        options.cleanup,
        options.deregister == "on-success",
    )


def registration_options(
    *, internal: bool, ip: str, explicit: bool, tags: tuple[str, ...], ip_label: str
) -> Options:
    """Return the options, with the name and the address of this host."""
    name = host_name()
    return Options(name, host_address(name), internal, ip, explicit, tags, ip_label)


def default_docker(environment: Mapping[str, str] = os.environ) -> str:
    """Return the engine's default address: `DOCKER_HOST`, else one of SOCKETS."""
    if host := environment.get("DOCKER_HOST"):
        return host
    return f"unix://{next((each for each in SOCKETS if each.exists()), SOCKETS[-1])}"


def _engine(settings: Settings) -> EngineOptions:
    """Return the engine whose containers are routed, or that manages the Swarm whose services are."""
    providers = settings.providers
    return providers.docker or providers.swarm or EngineOptions(endpoint=default_docker())


def _consul_endpoint(settings: Settings, options: RegistratorOptions) -> Endpoint:
    """Return the registrar's own endpoint, else the catalogue's first, which is mostly the same Consul."""
    catalogue = settings.providers.consul_catalog
    if options.consul is not None or catalogue is None:
        return registrar_endpoint(options.consul)
    return catalogue_endpoints(catalogue.endpoint)[0]
