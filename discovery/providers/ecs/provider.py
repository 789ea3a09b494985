"""The ECS provider: reads all tasks at an interval, since ECS has no stream of changes to follow."""

from __future__ import annotations

import threading

from discovery import labels
from discovery.decoding.decoded import Decoded
from discovery.labels.constraints import Constraint, everything
from discovery.labels.container import Container
from discovery.labels.options import LabelOptions
from discovery.providers.constraints import parse_constraints
from discovery.providers.container_groups.group import ContainerGroup
from discovery.providers.container_groups.inventory import Inventory
from discovery.providers.contract import Emit
from discovery.providers.ecs.aws import Aws, Json
from discovery.providers.ecs.containers import PROVIDER, containers_of
from rondpoint.settings import EcsOptions

_HEALTHY = "HEALTHY"


class EcsProvider:
    """A provider that polls. Task definitions never change, so each is read once while a task has it."""

    name = PROVIDER

    def __init__(self, options: EcsOptions) -> None:
        self._options = options
        self._inventory = Inventory(self._decode, self.name)
        self._aws: Aws | None = None
        self._definitions: dict[str, Json] = {}
        self._constraint: Constraint = everything
        # Ports of labels are those of containers; each is reached where it is bound.
        self._label_options = LabelOptions(
            exposed_by_default=options.exposed_by_default,
            default_rule=options.default_rule,
            domain=options.domain,
            use_bind_port_ip=True,
        )

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Read the tasks at the interval until `stop`. Raises ProviderError if a call fails."""
        self._constraint = parse_constraints(self._options.constraints, "providers.ecs")
        # Clients take long to make, so they survive faults.
        self._aws = self._aws or Aws(self._options)
        first = True
        while not stop.is_set():
            if self._inventory.replace(self._read(self._aws)) or first:
                emit(self._inventory.configuration())
            first = False
            stop.wait(self._options.refresh_seconds)

    def _read(self, aws: Aws) -> dict[str, ContainerGroup]:
        """Return the containers of each task, by the task's ARN."""
        clusters = aws.clusters() if self._options.auto_discover_clusters else self._options.clusters
        groups: dict[str, ContainerGroup] = {}
        definitions: dict[str, Json] = {}
        for cluster in clusters:
            tasks = [each for each in aws.tasks(cluster) if self._is_wanted(each)]
            arns = sorted(
                {each["containerInstanceArn"] for each in tasks if each.get("containerInstanceArn")}
            )
            machines = aws.machines(cluster, arns, external=self._options.ecs_anywhere)
            for task in tasks:
                arn = task["taskDefinitionArn"]
                definition = definitions.get(arn) or self._definitions.get(arn) or aws.definition(arn)
                definitions[arn] = definition
                groups[task["taskArn"]] = containers_of(task, definition, machines, self._options.domain)
        self._definitions = definitions
        return groups

    def _is_wanted(self, task: Json) -> bool:
        return not self._options.healthy_tasks_only or task.get("healthStatus") == _HEALTHY

    def _decode(self, container: Container) -> Decoded:
        return labels.decode(container, self._label_options, self._constraint)
