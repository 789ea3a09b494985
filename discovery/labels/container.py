"""A container as the label decoders see it: plain values without a Docker client."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from discovery.decoding.values import TRUE

ALLOW_NON_RUNNING = "traefik.docker.allownonrunning"
COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"

SHARED_NETWORK = "container:"
"""Prefix of the network mode of a container that shares another container's network."""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_bindings() -> Mapping[int, tuple[Binding, ...]]:
    return MappingProxyType({})


class Binding(Struct, frozen=True):
    """A published port: the host forwards it to a port of the container.

    `host_ip` may be `0.0.0.0`, `::` or empty.
    """

    host_ip: str
    host_port: int


class Container(Struct, frozen=True):
    """One container, as the engine last described it.

    - `id`: the engine's full id; `name`: without the leading slash.
    - `labels`: names and values as written.
    - `networks`: network name → IPv4 address of the container there, empty if it has none. For network mode
      `container:X` the provider puts the networks of X here. If X is itself in host mode, the provider sets
      `network_mode="host"` for this container.
    - `ports`: exposed TCP ports of the container, ascending.
    - `network_mode`: `bridge`, `host`, `none`, `container:ID`, or the name of a network; `host_address` is
      the address of a container in host mode.
    - `state`: the engine's term: `running`, `created`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    - `health`: empty (no health check), `starting`, `healthy` or `unhealthy`.
    - `draining`: true from the first sign that the container is stopping until it is removed.
    - `provider`: the provider in the names of its objects; `kind`: the word for it in messages.
    - `service`: the name of its own router and service, if that differs from `name`.
    - `rule_name`: its name in default rules, if that differs from `service`.
    - `weight`: its weight if no label sets one.
    - `server`: the name of its server, if that differs from `name`.
    - `bindings`: container TCP port → the published ports of the host.
    - `udp_ports` and `udp_bindings`: the same for UDP.
    """

    id: str
    name: str
    labels: Mapping[str, str] = field(default_factory=_nothing)
    networks: Mapping[str, str] = field(default_factory=_nothing)
    ports: tuple[int, ...] = ()
    network_mode: str = "bridge"
    host_address: str = "127.0.0.1"
    state: str = "running"
    health: str = ""
    draining: bool = False
    bindings: Mapping[int, tuple[Binding, ...]] = field(default_factory=_no_bindings)
    provider: str = "docker"
    kind: str = "container"
    service: str = ""
    rule_name: str = ""
    weight: int = 1
    server: str = ""
    udp_ports: tuple[int, ...] = ()
    udp_bindings: Mapping[int, tuple[Binding, ...]] = field(default_factory=_no_bindings)

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def server_name(self) -> str:
        return self.server or self.name

    @property
    def healthy(self) -> bool:
        """True if it has no failing health check, or is draining."""
        return self.health in ("", "healthy") or self.draining

    @property
    def stays_when_stopped(self) -> bool:
        """True if its routes stay without a server while it does not run."""
        labels = {name.lower(): value for name, value in self.labels.items()}
        return labels.get(ALLOW_NON_RUNNING, "").strip() in TRUE

    @property
    def compose_project(self) -> str | None:
        """The name of the Compose project, or None outside of Compose."""
        return self.labels.get(COMPOSE_PROJECT)

    @property
    def compose_service(self) -> str | None:
        """The name of the service in the Compose file, or None outside of Compose."""
        return self.labels.get(COMPOSE_SERVICE)
