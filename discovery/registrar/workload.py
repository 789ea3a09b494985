"""Decodes the engine's description of a container for its registration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Port(Struct, frozen=True, order=True):
    """A port of a container. `host_port` is 0 if it is not published; `host_ip` may be a wildcard."""

    number: int
    protocol: str = "tcp"
    host_port: int = 0
    host_ip: str = ""


class Workload(Struct, frozen=True):
    """A container, as far as registration needs it; `address` is its own one, empty if it has none."""

    name: str
    image: str
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    ports: tuple[Port, ...]
    address: str = ""
    network_mode: str = "bridge"


def workload(description: Mapping[str, Any], network_owner: Mapping[str, Any] | None = None) -> Workload:
    """Decode the engine's response to `GET /containers/ID/json`; missing values count as empty.

    `network_owner` is the response for the container whose network this one shares.
    """
    config: Mapping[str, Any] = description.get("Config") or {}
    mode = (description.get("HostConfig") or {}).get("NetworkMode") or "bridge"
    network: Mapping[str, Any] = description.get("NetworkSettings") or {}
    written = (each.partition("=") for each in config.get("Env") or ())
    return Workload(
        name=str(description.get("Name", "")).removeprefix("/"),
        image=config.get("Image") or "",
        environment={name: value for name, _, value in written},
        labels=dict(config.get("Labels") or {}),
        ports=_ports(config.get("ExposedPorts") or {}, network.get("Ports") or {}, mode),
        address=_address(network if network_owner is None else network_owner.get("NetworkSettings") or {}),
        network_mode=mode,
    )


def _ports(exposed: Mapping[str, Any], published: Mapping[str, Any], mode: str) -> tuple[Port, ...]:
    found = []
    for key in {**exposed, **published}:
        written, _, protocol = key.partition("/")
        if not written.isdigit():
            continue
        number = int(written)
        targets = [each for each in published.get(key) or () if str(each.get("HostPort", "")).isdigit()]
        if targets:
            port = Port(
                number, protocol or "tcp", int(targets[0]["HostPort"]), targets[0].get("HostIp") or ""
            )
        else:
            # In the host's or another container's network, the port itself is reachable without publishing.
            direct = mode == "host" or mode.startswith("container:")
            port = Port(number, protocol or "tcp", number if direct else 0)
        found.append(port)
    return tuple(sorted(found))


def _address(network: Mapping[str, Any]) -> str:
    if network.get("IPAddress"):
        return str(network["IPAddress"])
    networks: Mapping[str, Any] = network.get("Networks") or {}
    given = [(each or {}).get("IPAddress") or "" for _, each in sorted(networks.items())]
    return next((str(each) for each in given if each), "")
