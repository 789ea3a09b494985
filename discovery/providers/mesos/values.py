"""The parts of a Mesos master's state that the provider uses, decoded from JSON."""

from __future__ import annotations

from msgspec import Raw, Struct


class Label(Struct, frozen=True):
    key: str
    value: str = ""


class IpAddress(Struct, frozen=True):
    ip_address: str = ""


class NetworkInfo(Struct, frozen=True):
    """A network interface of a container; Mesos before 0.26 writes its only address into `ip_address`."""

    ip_addresses: tuple[IpAddress, ...] | None = None
    ip_address: str = ""


class ContainerStatus(Struct, frozen=True):
    network_infos: tuple[NetworkInfo, ...] | None = None


class Status(Struct, frozen=True):
    """A status update of a task. `healthy` is None without a health check or before its first result."""

    state: str = ""
    timestamp: float = 0.0
    healthy: bool | None = None
    labels: tuple[Label, ...] | None = None
    container_status: ContainerStatus = ContainerStatus()


class DiscoveryPort(Struct, frozen=True):
    number: int
    name: str = ""


class DiscoveryPorts(Struct, frozen=True):
    ports: tuple[DiscoveryPort, ...] | None = None


class Discovery(Struct, frozen=True):
    """What the task's framework says for service discovery."""

    name: str = ""
    ports: DiscoveryPorts = DiscoveryPorts()


class Task(Struct, frozen=True):
    """A task; `slave_id` is the id of its agent."""

    id: str
    name: str = ""
    framework_id: str = ""
    slave_id: str = ""
    state: str = ""
    labels: tuple[Label, ...] | None = None
    statuses: tuple[Status, ...] | None = None
    discovery: Discovery = Discovery()

    @property
    def application(self) -> str:
        """The name that the tasks of an application have in common."""
        return self.discovery.name or self.name

    @property
    def ports(self) -> tuple[DiscoveryPort, ...]:
        return self.discovery.ports.ports or ()

    @property
    def newest_status(self) -> Status:
        """The newest status as a running task, empty if there is none. Mesos promises no order."""
        running = [each for each in self.statuses or () if each.state == self.state]
        return max(running, key=lambda each: each.timestamp, default=Status())


class Framework(Struct, frozen=True):
    """A framework with each of its tasks as raw JSON."""

    tasks: tuple[Raw, ...] = ()


class Agent(Struct, frozen=True):
    """An agent; `pid` is `slave(1)@ADDRESS:PORT`."""

    id: str
    pid: str = ""
    hostname: str = ""

    @property
    def host(self) -> str:
        """The address of the agent."""
        return address_of(self.pid).rpartition(":")[0].strip("[]") or self.hostname


class State(Struct, frozen=True):
    """The response to `GET /master/state`.

    `id` is that of this run of the master. `pid` is `master@ADDRESS:PORT`, and `leader` that of the leading
    master.
    """

    frameworks: tuple[Framework, ...]
    slaves: tuple[Agent, ...]
    id: str = ""
    pid: str = ""
    leader: str = ""


def address_of(pid: str) -> str:
    """Return `ADDRESS:PORT` of a libprocess id, such as `master@10.0.0.1:5050`."""
    return pid.rpartition("@")[2]
