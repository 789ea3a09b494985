"""A container as label decoding needs to see it: plain values, no Docker client in sight."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from discovery.decoding.values import TRUE

ALLOW_NON_RUNNING = "traefik.docker.allownonrunning"
COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_bindings() -> Mapping[int, tuple[Binding, ...]]:
    return MappingProxyType({})


class Binding(Struct, frozen=True):
    """A port of the host that leads to a container's port; `host_ip` may be `0.0.0.0`, `::` or empty."""

    host_ip: str
    host_port: int


class Container(Struct, frozen=True):
    """One container, as the engine described it last.

    - `id`: the engine's full id; `name`: without the leading slash.
    - `labels`: as written, names and values.
    - `networks`: network name → IPv4 address of the container there, empty when it has none. For
      network mode `container:X` the provider puts X's networks here, and where X is itself in host
      mode it gives this container `network_mode="host"`.
    - `ports`: exposed TCP ports of the container, ascending.
    - `network_mode`: `bridge`, `host`, `none`, `container:ID`, or the name of a network; `host_address` is
      where a container in host mode is reached.
    - `state`: the engine's word: `running`, `created`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    - `health`: empty (no health check), `starting`, `healthy` or `unhealthy`.
    - `draining`: true from the first sign that the container is going, until it has gone.
    - `provider`: whose names its objects bear; `kind`: what messages call it.
    - `service`: what its own router and service are called, where that is not its name.
    - `weight`: its share of requests where no label says otherwise.
    - `bindings`: container TCP port → where it is published on the host.
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
    weight: int = 1

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def healthy(self) -> bool:
        """Whether its health check, if it has one, holds; one that leaves may fail it."""
        return self.health in ("", "healthy") or self.draining

    @property
    def stays_when_stopped(self) -> bool:
        """Whether its routes stay, with no server of it, while it does not run."""
        labels = {name.lower(): value for name, value in self.labels.items()}
        return labels.get(ALLOW_NON_RUNNING, "").strip() in TRUE

    @property
    def compose_project(self) -> str | None:
        """The project's name when docker-compose started this container."""
        return self.labels.get(COMPOSE_PROJECT)

    @property
    def compose_service(self) -> str | None:
        """The service's name in its compose file when docker-compose started this container."""
        return self.labels.get(COMPOSE_SERVICE)
