"""The parts of Nomad's responses that the provider uses, decoded from JSON."""

from __future__ import annotations

from msgspec import Struct, field

from discovery.providers.tagged_services.instance import Instance

SHORT_ID = 8
"""The characters of a node's id that Nomad's own tools show."""


class Registration(Struct, frozen=True, rename="pascal"):
    """An entry of `GET /v1/service/NAME`; events have the same value."""

    id: str = field(name="ID")
    service_name: str
    node_id: str = field(name="NodeID", default="")
    address: str = ""
    port: int = 0
    tags: tuple[str, ...] | None = None
    modify_index: int = 0

    @property
    def instance(self) -> Instance:
        """The registration as an instance of its service."""
        return Instance(
            self.node_id[:SHORT_ID],
            self.id,
            self.service_name,
            self.address,
            self.port,
            self.tags or (),
            modified=self.modify_index,
        )


class ServiceStub(Struct, frozen=True, rename="pascal"):
    service_name: str


class NamespaceServices(Struct, frozen=True, rename="pascal"):
    """An entry of `GET /v1/services`: the services of one namespace."""

    services: tuple[ServiceStub, ...] | None = None


class JobStub(Struct, frozen=True, rename="pascal"):
    """An entry of `GET /v1/jobs`."""

    id: str = field(name="ID")


class JobService(Struct, frozen=True, rename="pascal"):
    name: str = ""
    tags: tuple[str, ...] | None = None


class Task(Struct, frozen=True, rename="pascal"):
    services: tuple[JobService, ...] | None = None


class Scaling(Struct, frozen=True, rename="pascal"):
    enabled: bool = False


class TaskGroup(Struct, frozen=True, rename="pascal"):
    name: str = ""
    count: int | None = None
    scaling: Scaling | None = None
    services: tuple[JobService, ...] | None = None
    tasks: tuple[Task, ...] | None = None

    @property
    def is_scaled_to_zero(self) -> bool:
        """Whether the group may run instances, and runs none now."""
        return self.count == 0 and self.scaling is not None and self.scaling.enabled

    @property
    def all_services(self) -> tuple[JobService, ...]:
        """The services of the group and of its tasks."""
        of_tasks = tuple(each for task in self.tasks or () for each in task.services or ())
        return (*(self.services or ()), *of_tasks)


class Job(Struct, frozen=True, rename="pascal"):
    """The response to `GET /v1/job/ID`; events have the same value."""

    id: str = field(name="ID")
    task_groups: tuple[TaskGroup, ...] | None = None


class Payload(Struct, frozen=True, rename="pascal"):
    service: Registration | None = None
    job: Job | None = None


class Event(Struct, frozen=True, rename="pascal"):
    """A change. `type` is `ServiceRegistration`, `ServiceDeregistration`, or a type of a job's events."""

    topic: str
    type: str
    index: int = 0
    payload: Payload = Payload()


class Frame(Struct, frozen=True, rename="pascal"):
    """A line of the event stream: the events of one index; none in a heartbeat."""

    events: tuple[Event, ...] | None = None
