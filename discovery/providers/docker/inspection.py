"""Decodes the engine's description of a container."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from discovery.labels.container import Binding, Container
from discovery.providers.docker.host import LOOPBACK
from discovery.providers.docker_engine.signals import signal_number


class InspectedContainer(Struct, frozen=True):
    """A container, with the values that only the provider needs.

    `started_at` is the engine's text and distinguishes one run of a container from the next. `stop_signal` is
    the number of the signal that asks this container to stop.
    """

    container: Container
    started_at: str
    stop_signal: int


def parse_inspection(
    description: Mapping[str, Any], host_address: Callable[[], str] = lambda: LOOPBACK
) -> InspectedContainer:
    """Decode the engine's response to `GET /containers/ID/json`; missing values count as empty.

    `host_address` is called only if the container is in host network mode.
    """
    config: Mapping[str, Any] = description.get("Config") or {}
    state: Mapping[str, Any] = description.get("State") or {}
    network: Mapping[str, Any] = description.get("NetworkSettings") or {}
    host: Mapping[str, Any] = description.get("HostConfig") or {}
    published: Mapping[str, Any] = network.get("Ports") or {}
    ports = [*(config.get("ExposedPorts") or {}), *published]
    health = (state.get("Health") or {}).get("Status") or ""
    mode = host.get("NetworkMode") or "bridge"
    container = Container(
        id=description.get("Id", ""),
        name=description.get("Name", "").removeprefix("/"),
        labels=dict(config.get("Labels") or {}),
        networks=_addresses(network.get("Networks") or {}),
        ports=_ports(ports, _TCP),
        network_mode=mode,
        host_address=host_address() if mode == "host" else LOOPBACK,
        state=state.get("Status") or "",
        health="" if health == "none" else health,
        bindings=_bindings(published, _TCP),
        udp_ports=_ports(ports, _UDP),
        udp_bindings=_bindings(published, _UDP),
    )
    return InspectedContainer(
        container, state.get("StartedAt") or "", signal_number(config.get("StopSignal") or "")
    )


def _addresses(networks: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: (endpoint or {}).get("IPAddress") or (endpoint or {}).get("GlobalIPv6Address") or ""
        for name, endpoint in sorted(networks.items())
    }


_TCP, _UDP = ("", "tcp"), ("udp",)


def _ports(keys: Iterable[str], protocols: Collection[str]) -> tuple[int, ...]:
    """Return the ports of keys such as `80/tcp`, ascending."""
    return tuple(sorted({port for key in keys if (port := _port(key, protocols)) is not None}))


def _port(key: str, protocols: Collection[str]) -> int | None:
    number, _, protocol = key.partition("/")
    return int(number) if number.isdigit() and protocol in protocols else None


def _bindings(published: Mapping[str, Any], protocols: Collection[str]) -> dict[int, tuple[Binding, ...]]:
    bindings: dict[int, tuple[Binding, ...]] = {}
    for key, targets in published.items():
        port = _port(key, protocols)
        found = tuple(
            Binding(target.get("HostIp") or "", int(target["HostPort"]))
            for target in targets or ()
            if str(target.get("HostPort", "")).isdigit()
        )
        if port is not None and found:
            bindings[port] = found
    return bindings
