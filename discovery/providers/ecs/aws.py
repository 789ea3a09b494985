"""Calls to the APIs of ECS, EC2 and Systems Manager; boto3 is imported nowhere else."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from discovery.providers.errors import ProviderError
from rondpoint.settings import EcsOptions

AT_ONCE = 100
"""The most items that one call may name."""

CONNECT_TIMEOUT = 5
RESPONSE_TIMEOUT = 10
ATTEMPTS = 3

_EXTERNAL = "mi-"
"""The beginning of the ids of instances outside of AWS."""

Json = Mapping[str, Any]


class Machine(Struct, frozen=True):
    """An instance that runs containers; `state` is `running`, or why it is not."""

    address: str
    state: str


class Aws:
    """The clients of one provider. Calls raise ProviderError."""

    def __init__(self, options: EcsOptions) -> None:
        try:
            import boto3  # noqa: PLC0415 - it is an extra
            from botocore.config import Config  # noqa: PLC0415
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        except ImportError:
            raise ProviderError("the ECS provider needs boto3", "pip install 'rondpoint[ecs]'") from None
        self._faults = (BotoCoreError, ClientError)
        # The description of EC2's API takes much time and memory, and tasks of Fargate do not need it.
        self._client = functools.cache(lambda name: session.client(name, config=config))
        keys = options.access_key_id and options.secret_access_key
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=RESPONSE_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            user_agent_extra="rondpoint",
        )
        try:
            session = boto3.Session(
                aws_access_key_id=options.access_key_id if keys else None,
                aws_secret_access_key=options.secret_access_key if keys else None,
                region_name=options.region or None,
            )
            self._ecs = session.client("ecs", config=config)
        except self._faults as error:
            raise ProviderError(f"AWS cannot be asked: {error}", "set providers.ecs.region") from error

    def clusters(self) -> list[str]:
        """Return the ARNs of all clusters."""
        return list(self._pages(self._ecs, "list_clusters", "clusterArns"))

    def tasks(self, cluster: str) -> list[Json]:
        """Return the descriptions of all tasks of a cluster that should run."""
        arns = self._pages(self._ecs, "list_tasks", "taskArns", cluster=cluster, desiredStatus="RUNNING")
        return [
            task
            for some in _batches(list(arns))
            for task in self._call(self._ecs, "describe_tasks", cluster=cluster, tasks=some)["tasks"]
        ]

    def definition(self, arn: str) -> Json:
        """Return a task definition."""
        found: Json = self._call(self._ecs, "describe_task_definition", taskDefinition=arn)["taskDefinition"]
        return found

    def machines(self, cluster: str, arns: Sequence[str], *, external: bool) -> dict[str, Machine]:
        """Return the machines of container instances by ARN; those outside of AWS only if `external`."""
        by_id: dict[str, str] = {}
        for some in _batches(arns):
            found = self._call(
                self._ecs, "describe_container_instances", cluster=cluster, containerInstances=some
            )
            by_id |= {
                each["ec2InstanceId"]: each["containerInstanceArn"] for each in found["containerInstances"]
            }
        own = {key: arn for key, arn in by_id.items() if not key.startswith(_EXTERNAL)}
        others = {key: arn for key, arn in by_id.items() if key.startswith(_EXTERNAL)} if external else {}
        machines: dict[str, Machine] = {}
        for some in _batches(list(own)):
            for reservation in self._pages(
                self._client("ec2"), "describe_instances", "Reservations", InstanceIds=some
            ):
                for each in reservation["Instances"]:
                    machine = Machine(each.get("PrivateIpAddress", ""), each["State"]["Name"])
                    machines[own[each["InstanceId"]]] = machine
        for some in _batches(list(others)):
            filters = [{"Key": "InstanceIds", "Values": some}]
            for each in self._pages(
                self._client("ssm"),
                "describe_instance_information",
                "InstanceInformationList",
                Filters=filters,
            ):
                machines[others[each["InstanceId"]]] = Machine(each.get("IPAddress", ""), "running")
        return machines

    def _call(self, client: Any, operation: str, **options: Any) -> Any:
        try:
            return getattr(client, operation)(**options)
        except self._faults as error:
            raise _provider_error(operation, error) from error

    def _pages(self, client: Any, operation: str, key: str, **options: Any) -> Iterator[Any]:
        try:
            for page in client.get_paginator(operation).paginate(**options):
                yield from page[key]
        except self._faults as error:
            raise _provider_error(operation, error) from error


def _provider_error(operation: str, error: Exception) -> ProviderError:
    permission = {"describe_instances": "ec2", "describe_instance_information": "ssm"}.get(operation, "ecs")
    action = "".join(word.capitalize() for word in operation.split("_"))
    text = " ".join(str(error).split())
    hint = f"the role needs {permission}:{action}" if "AccessDenied" in text or "Unauthorized" in text else ""
    return ProviderError(f"AWS does not respond to {action}: {text}", hint)


def _batches(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(items), AT_ONCE):
        yield items[begin : begin + AT_ONCE]
