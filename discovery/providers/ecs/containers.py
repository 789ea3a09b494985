"""Turns the containers of an ECS task into containers as the decoders of labels see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from discovery.labels.container import Binding, Container
from discovery.labels.known_labels import label_kind
from discovery.providers.container_groups.group import ContainerGroup
from discovery.providers.ecs.aws import Json, Machine
from rondpoint.diagnostics import Diagnostic, Severity

PROVIDER = "ecs"
UNHEALTHY = "UNHEALTHY"
_OWN_NETWORK = "awsvpc"
_RULE, _DOMAIN = "traefik.frontend.rule", "traefik.domain"


def containers_of(
    task: Json, definition: Json, machines: Mapping[str, Machine], domain: str = ""
) -> ContainerGroup:
    """Return the containers of a task whose definition has labels for them.

    A task in a network of its own (`awsvpc`) has an address; any other is reached at its machine, by the
    ports that its containers are bound to. `domain` is that of default rules in Traefik 1's dialect.
    """
    definitions = {each["name"]: each for each in definition.get("containerDefinitions", ())}
    own_network = definition.get("networkMode") == _OWN_NETWORK and bool(task.get("attachments"))
    machine = machines.get(task.get("containerInstanceArn", ""))
    found: list[Container] = []
    diagnostics: list[Diagnostic] = []
    for each in task.get("containers", ()):
        defined = definitions.get(each.get("name", ""))
        if defined is None:
            continue
        if own_network:
            place = _in_own_network(task, each, defined)
        elif machine is not None:
            place = _Place(machine.address, machine.state, each.get("networkBindings", ()))
        else:
            diagnostics.append(_unknown_machine(_name(task, each)))
            continue
        found.append(_container(task, each, defined, place, domain))
    return ContainerGroup(tuple(found), tuple(diagnostics))


class _Place(NamedTuple):
    """Where a container runs: `mappings` have its ports, with those of the address."""

    address: str
    state: str
    mappings: Iterable[Json]
    health: str = ""


def _in_own_network(task: Json, each: Json, defined: Json) -> _Place:
    health = "unhealthy" if task.get("healthStatus") == UNHEALTHY else ""
    state = str(task.get("lastStatus", "")).lower()
    return _Place(_own_address(each), state, defined.get("portMappings", ()), health)


def _container(task: Json, each: Json, defined: Json, place: _Place, domain: str) -> Container:
    name = _name(task, each)
    bound, udp_bound = _bound_ports(place.mappings, "tcp"), _bound_ports(place.mappings, "udp")
    return Container(
        id=f"{task['taskArn']} {each['name']}",
        name=name,
        labels=_with_default_rule(defined.get("dockerLabels", {}), name, domain),
        networks={PROVIDER: place.address},
        ports=tuple(inner for _, inner in bound),
        state=place.state,
        health=place.health,
        bindings={inner: (Binding(place.address, outer),) for outer, inner in reversed(bound)},
        provider=PROVIDER,
        udp_ports=tuple(inner for _, inner in udp_bound),
        udp_bindings={inner: (Binding(place.address, outer),) for outer, inner in reversed(udp_bound)},
    )


def _bound_ports(mappings: Iterable[Json], protocol: str) -> list[tuple[int, int]]:
    """Return the host's port and the container's for each mapping, ascending."""
    return sorted(
        (mapping.get("hostPort") or mapping.get("containerPort", 0), mapping.get("containerPort", 0))
        for mapping in mappings
        if mapping.get("protocol", "tcp") == protocol
    )


def _name(task: Json, each: Json) -> str:
    return f"{str(task.get('group', '')).replace(':', '-', 1)}-{each['name']}"


def _unknown_machine(name: str) -> Diagnostic:
    message = "not routed: nothing is known of its container instance"
    hint = "set ecsAnywhere for instances outside of AWS; the role needs ec2:DescribeInstances"
    return Diagnostic(Severity.ERROR, PROVIDER, f"container {name}", message, hint)


def _with_default_rule(labels: Mapping[str, str], name: str, domain: str) -> Mapping[str, str]:
    """Return labels of Traefik 1 with its default rule, unless they have a rule or a domain."""
    given = {label.lower() for label in labels}
    kinds = set(map(label_kind, labels))
    if (
        domain
        or given & {_RULE, _DOMAIN}
        or any(kind.is_v3_route for kind in kinds)
        or not any(kind.is_v1 for kind in kinds)
    ):
        return labels
    return {**labels, _RULE: f"Host:{name.lower().replace('_', '-')}"}


def _own_address(container: Json) -> str:
    for interface in container.get("networkInterfaces", ()):
        return interface.get("privateIpv4Address") or interface.get("ipv6Address") or ""
    return ""
