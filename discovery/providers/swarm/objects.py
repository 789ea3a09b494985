"""Decodes the manager's descriptions of services, tasks and nodes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from discovery.providers.docker_engine.signals import signal_number

ENDED_STATES = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
"""States of tasks that never run again."""

_UPDATING = frozenset({"updating", "rollback_started"})
_HOST = "host"


class SwarmService(Struct, frozen=True):
    """A service.

    - `replicas`: how many tasks it is to have; None if that depends on the nodes, or if its tasks end.
    - `virtual_ips`: network id → address; empty in the endpoint mode `dnsrr`.
    - `updating`: a rolling update or its rollback is in progress.
    - `stop_signal`: the number of the signal that asks its containers to stop.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    replicas: int | None
    virtual_ips: Mapping[str, str]
    updating: bool
    stop_signal: int


class Task(Struct, frozen=True):
    """A task: one container of a service, on one node.

    - `slot`: its number in a replicated service, else 0.
    - `networks`: network name → address. The routing mesh (`ingress`) is left out, since only published ports
      are reachable in it.
    - `on_host_network`: it has the addresses of its node.
    - `published`: TCP port of the container → the port of the node that forwards to this task alone.
    - `published_udp`: the same for UDP.
    - `error`: why it does not run, as the manager says it; empty for most states.
    """

    id: str
    service_id: str
    slot: int
    node_id: str
    state: str
    desired_state: str
    networks: Mapping[str, str]
    on_host_network: bool
    published: Mapping[int, int]
    error: str
    published_udp: Mapping[int, int] = MappingProxyType({})

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def ended(self) -> bool:
        return self.state in ENDED_STATES

    @property
    def wanted(self) -> bool:
        """True if the manager wants it to run; a task that is to end gets its stop signal soon."""
        return self.desired_state == "running"


class Node(Struct, frozen=True):
    """A machine of the Swarm; `down` says that the managers hear nothing from it."""

    id: str
    address: str
    down: bool


def parse_service(description: Mapping[str, Any]) -> SwarmService:
    """Decode an object of `GET /services`; missing values count as empty."""
    spec: Mapping[str, Any] = description.get("Spec") or {}
    container: Mapping[str, Any] = (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    replicated = (spec.get("Mode") or {}).get("Replicated")
    endpoint: Mapping[str, Any] = description.get("Endpoint") or {}
    return SwarmService(
        id=description.get("ID", ""),
        name=spec.get("Name", ""),
        labels=dict(spec.get("Labels") or {}),
        replicas=None if replicated is None else replicated.get("Replicas", 1),
        virtual_ips={
            each.get("NetworkID", ""): _host_part(each["Addr"])
            for each in endpoint.get("VirtualIPs") or ()
            if each.get("Addr")
        },
        updating=(description.get("UpdateStatus") or {}).get("State") in _UPDATING,
        stop_signal=signal_number(container.get("StopSignal") or ""),
    )


def parse_task(description: Mapping[str, Any]) -> Task:
    """Decode an object of `GET /tasks`; missing values count as empty."""
    status: Mapping[str, Any] = description.get("Status") or {}
    networks: dict[str, str] = {}
    on_host = False
    for attachment in description.get("NetworksAttachments") or ():
        spec = (attachment.get("Network") or {}).get("Spec") or {}
        driver = (spec.get("DriverConfiguration") or {}).get("Name")
        on_host = on_host or driver == _HOST
        addresses = attachment.get("Addresses") or ()
        if addresses and not spec.get("Ingress"):
            networks[spec.get("Name", "")] = _host_part(addresses[0])
    return Task(
        id=description.get("ID", ""),
        service_id=description.get("ServiceID", ""),
        slot=description.get("Slot") or 0,
        node_id=description.get("NodeID") or "",
        state=status.get("State") or "",
        desired_state=description.get("DesiredState") or "",
        networks=networks,
        on_host_network=on_host,
        published=_published(status, "tcp"),
        published_udp=_published(status, "udp"),
        error=status.get("Err") or "",
    )


def _published(status: Mapping[str, Any], protocol: str) -> dict[int, int]:
    return {
        each["TargetPort"]: each["PublishedPort"]
        for each in (status.get("PortStatus") or {}).get("Ports") or ()
        if each.get("Protocol") == protocol and each.get("TargetPort") and each.get("PublishedPort")
    }


def parse_node(description: Mapping[str, Any]) -> Node:
    """Decode an object of `GET /nodes`; missing values count as empty."""
    status: Mapping[str, Any] = description.get("Status") or {}
    return Node(description.get("ID", ""), status.get("Addr") or "", status.get("State") == "down")


def _host_part(address: str) -> str:
    """Return an address without its prefix length: `10.0.1.5` for `10.0.1.5/24`."""
    return address.partition("/")[0]
