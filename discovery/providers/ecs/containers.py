"""Turns the containers of an ECS task into containers as the decoders of labels see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from discovery.labels.container import Binding, Container
from discovery.labels.known_labels import LabelKind, label_kind
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
        name = f"{str(task.get('group', '')).replace(':', '-', 1)}-{each['name']}"
        if own_network:
            address, state = _own_address(each), str(task.get("lastStatus", "")).lower()
            mappings: Iterable[Json] = defined.get("portMappings", ())
        elif machine is not None:
            address, state, mappings = machine.address, machine.state, each.get("networkBindings", ())
        else:
            message = "not routed: nothing is known of its container instance"
            hint = "set ecsAnywhere for instances outside of AWS; the role needs ec2:DescribeInstances"
            diagnostics.append(Diagnostic(Severity.ERROR, PROVIDER, f"container {name}", message, hint))
            continue
        unhealthy = own_network and task.get("healthStatus") == UNHEALTHY
        bound = sorted(
            (mapping.get("hostPort") or mapping.get("containerPort", 0), mapping.get("containerPort", 0))
            for mapping in mappings
            if mapping.get("protocol", "tcp") == "tcp"
        )
        found.append(
            Container(
                id=f"{task['taskArn']} {each['name']}",
                name=name,
                labels=_with_default_rule(defined.get("dockerLabels", {}), name, domain),
                networks={PROVIDER: address},
                ports=tuple(inner for _, inner in bound),
                state=state,
                health="unhealthy" if unhealthy else "",
                bindings={inner: (Binding(address, outer),) for outer, inner in reversed(bound)},
                provider=PROVIDER,
            )
        )
    return ContainerGroup(tuple(found), tuple(diagnostics))


def _with_default_rule(labels: Mapping[str, str], name: str, domain: str) -> Mapping[str, str]:
    """Return labels of Traefik 1 with its default rule, unless they have a rule or a domain."""
    given = {label.lower() for label in labels}
    kinds = set(map(label_kind, labels))
    if (
        domain
        or given & {_RULE, _DOMAIN}
        or LabelKind.V3_HTTP in kinds
        or not any(kind.is_v1 for kind in kinds)
    ):
        return labels
    return {**labels, _RULE: f"Host:{name.lower().replace('_', '-')}"}


def _own_address(container: Json) -> str:
    for interface in container.get("networkInterfaces", ()):
        return interface.get("privateIpv4Address") or interface.get("ipv6Address") or ""
    return ""
