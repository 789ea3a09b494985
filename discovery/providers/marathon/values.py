"""The parts of Marathon's responses that the provider uses, decoded from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Raw, Struct, field


def _no_labels() -> Mapping[str, str]:
    return MappingProxyType({})


class IpAddress(Struct, frozen=True, rename="camel"):
    ip_address: str = ""


class Task(Struct, frozen=True, rename="camel"):
    """A task of an app; `ports` are those of its host."""

    id: str
    host: str = ""
    ports: tuple[int, ...] | None = None
    ip_addresses: tuple[IpAddress, ...] | None = None
    state: str = ""
    started_at: str = ""


class Network(Struct, frozen=True, rename="camel"):
    """A network of an app; `mode` is `host`, `container` or `container/bridge`."""

    mode: str = ""


class PortDefinition(Struct, frozen=True, rename="camel"):
    port: int | None = None


class DiscoveryPort(Struct, frozen=True, rename="camel"):
    number: int = 0


class PortDiscovery(Struct, frozen=True, rename="camel"):
    ports: tuple[DiscoveryPort, ...] | None = None


class IpAddressPerTask(Struct, frozen=True, rename="camel"):
    discovery: PortDiscovery | None = None


class ReadinessCheck(Struct, frozen=True, rename="camel"):
    timeout_seconds: float = 0


class ReadinessResult(Struct, frozen=True, rename="camel"):
    task_id: str
    ready: bool = False


class App(Struct, frozen=True, rename="camel"):
    """An app with its tasks and the state of its deployments, as `GET /v2/apps` embeds them."""

    id: str
    labels: Mapping[str, str] = field(default_factory=_no_labels)
    tasks: tuple[Task, ...] | None = None
    networks: tuple[Network, ...] | None = None
    port_definitions: tuple[PortDefinition, ...] | None = None
    ip_address: IpAddressPerTask | None = None
    constraints: tuple[tuple[str, ...], ...] | None = None
    deployments: tuple[Any, ...] | None = None
    readiness_checks: tuple[ReadinessCheck, ...] | None = None
    readiness_check_results: tuple[ReadinessResult, ...] | None = None


class Apps(Struct, frozen=True):
    """The response to `GET /v2/apps`, with each app as raw JSON."""

    apps: tuple[Raw, ...] = ()
