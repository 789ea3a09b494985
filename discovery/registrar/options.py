"""What a registrar is to do, and how the settings say it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from discovery.consul import Endpoint
from discovery.consul.settings_endpoints import catalogue_endpoints, registrar_endpoint
from discovery.registrar.host import host_address, host_name
from discovery.registrar.registration import Options
from rondpoint.settings import RegistratorOptions, Settings

SOCKETS = (Path("/tmp/docker.sock"), Path("/var/run/docker.sock"))  # noqa: S108 (where Registrator has it)
"""Where an engine is looked for: the first that is there, else the last."""


class Plan(Struct, frozen=True):
    """What a registrar does, and where.

    `docker` is the engine's address, `docker_setting` where users set it. `consul` is one agent, for what
    it was told only it can forget. `resync`: seconds after which all is read and registered again, 0 for
    never; `cleanup` and `on_success` as in Standing and Containers.
    """

    options: Options
    docker: str
    docker_setting: str
    consul: Endpoint
    resync: float = 0.0
    cleanup: bool = False
    on_success: bool = False


def plan_from_settings(settings: Settings, options: RegistratorOptions) -> Plan:
    """What the settings ask for; raises ValueError, in one line, when something cannot be read."""
    return Plan(
        registration_options(
            internal=options.internal,
            ip=options.ip,
            explicit=options.explicit,
            tags=options.tags,
            ip_label=options.use_ip_from_label,
        ),
        options.docker or _docker_address(settings),
        "registrator.docker",
        _consul_endpoint(settings, options),
        options.resync,
        options.cleanup,
        options.deregister == "on-success",
    )


def registration_options(
    *, internal: bool, ip: str, explicit: bool, tags: tuple[str, ...], ip_label: str
) -> Options:
    """With the name and the address of this host."""
    name = host_name()
    return Options(name, host_address(name), internal, ip, explicit, tags, ip_label)


def default_docker(environment: Mapping[str, str] = os.environ) -> str:
    """The engine's address where nobody sets one: `DOCKER_HOST`, else a socket."""
    if host := environment.get("DOCKER_HOST"):
        return host
    return f"unix://{next((each for each in SOCKETS if each.exists()), SOCKETS[-1])}"


def _docker_address(settings: Settings) -> str:
    provider = settings.providers.docker
    return default_docker() if provider is None else provider.endpoint


def _consul_endpoint(settings: Settings, options: RegistratorOptions) -> Endpoint:
    """Its own, else the catalogue's first: who follows a Consul mostly registers there, too."""
    catalogue = settings.providers.consul_catalog
    if options.consul is not None or catalogue is None:
        return registrar_endpoint(options.consul)
    return catalogue_endpoints(catalogue.endpoint)[0]
