"""Describes a service as what a container is to the label decoders: one for each task, or one for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from discovery.decoding.values import TRUE
from discovery.labels.container import Binding, Container
from discovery.providers.swarm.objects import Node, SwarmService, Task

PROVIDER = "swarm"
KIND = "service"
_V1_LABEL = "traefik.backend.loadbalancer.swarm"
VIP_LABELS = frozenset({"traefik.swarm.lbswarm", "traefik.docker.lbswarm", _V1_LABEL})
"""Labels that leave balancing to Swarm, in lower case: the service's virtual IP is the only server."""

_NO_NODE = Node("", "", down=False)


def virtual_ip_label(service: SwarmService) -> str:
    """Return the label that leaves balancing to Swarm, or an empty text."""
    return next(
        (
            name
            for name, value in sorted(service.labels.items())
            if name.lower() in VIP_LABELS and value.strip() in TRUE
        ),
        "",
    )


def containers_of(
    service: SwarmService,
    tasks: Iterable[Task],
    nodes: Mapping[str, Node],
    networks: Mapping[str, str],
    stopping: Collection[str],
    *,
    keeps_routes: bool,
) -> tuple[Container, ...]:
    """Return the servers of a service as containers; one that does not run if there is none.

    `networks` maps ids of networks to names. `stopping` are the ids of tasks that were sent a signal. With
    `keeps_routes`, a service without a running task keeps its routes, without a server.
    """
    base = Container(
        id=service.id,
        name=service.name,
        labels={name: value for name, value in service.labels.items() if name.lower() != _V1_LABEL},
        provider=PROVIDER,
        kind=KIND,
    )
    if virtual_ip_label(service) and service.virtual_ips:
        addresses = {
            networks[network]: address
            for network, address in service.virtual_ips.items()
            if network in networks
        }
        return (replace(base, networks=addresses),)
    known = sorted(tasks, key=lambda task: task.id)
    running = [task for task in known if task.running and _serves(task, nodes)]
    if running:
        return tuple(_with_task(base, task, nodes, stopping) for task in running)
    if keeps_routes:
        return (replace(base, health="starting"),)
    return (replace(base, state=_waiting(known)),)


def _serves(task: Task, nodes: Mapping[str, Node]) -> bool:
    """Return whether a running task can have requests.

    The state of a task on a node that is down stays `running` for ever. As long as the manager wants it
    there, the managers alone may have lost the node.
    """
    return task.wanted or not nodes.get(task.node_id, _NO_NODE).down


def _with_task(
    base: Container, task: Task, nodes: Mapping[str, Node], stopping: Collection[str]
) -> Container:
    node = nodes.get(task.node_id, _NO_NODE)
    on_host = task.on_host_network and not task.networks
    return replace(
        base,
        server=f"{base.name}.{task.slot or task.node_id}.{task.id}",
        networks=task.networks,
        network_mode="host" if on_host else "bridge",
        host_address=node.address,
        bindings=_bindings(node, task.published),
        udp_bindings=_bindings(node, task.published_udp),
        draining=not task.wanted or task.id in stopping or node.down,
    )


def _bindings(node: Node, published: Mapping[int, int]) -> dict[int, tuple[Binding, ...]]:
    """Return the bindings of published ports; without the node's address there are none."""
    if not node.address:
        return {}
    return {port: (Binding(node.address, outer),) for port, outer in published.items()}


def _waiting(tasks: Iterable[Task]) -> str:
    """Say what a service without a running task waits for, with the manager's reason if it gives one."""
    reason = next((task.error for task in sorted(tasks, key=_has_ended) if task.error), "")
    return f"waiting for a task ({reason})" if reason else "waiting for a task"


def _has_ended(task: Task) -> bool:
    return task.ended
