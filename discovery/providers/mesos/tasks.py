"""Turns a task into a container, which the decoders of labels read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address

from discovery.decoding.names import normalise
from discovery.decoding.values import FALSE
from discovery.labels.container import Container
from discovery.labels.known_labels import ENABLE
from discovery.providers.container_groups.v1_defaults import (
    add_default_rules,
    default_host,
    has_v3_labels,
    lowered,
    segment_label,
    segments_of,
)
from discovery.providers.mesos.values import DiscoveryPort, Status, Task
from rondpoint.settings import MesosOptions

PROVIDER = "mesos"
RUNNING = "TASK_RUNNING"
HOST = "host"

_PORT, _PORT_INDEX, _PORT_NAME = "port", "portIndex", "portName"


class TaskFaultError(Exception):
    """A task that cannot get requests; `str()` says why."""


def container_of(task: Task, agent: str, options: MesosOptions) -> Container | None:
    """Return the container of a running task, None if nothing is to be said about it.

    `agent` is the address of the task's agent. Raises TaskFaultError.
    """
    labels = {each.key: each.value for each in task.labels or ()}
    given = lowered(labels)
    if task.state != RUNNING or not (task.ports or _concerns_traefik(given)):
        return None
    ports = _ports(task, labels, given)
    host = _address(task, agent, options.ip_sources)
    status = task.newest_status
    name = normalise(task.application)
    return Container(
        id=f"{task.framework_id} {task.id}",
        name=name,
        labels=_labels(task, labels, ports, options),
        networks={PROVIDER: host},
        ports=tuple(ports.values())[:1],
        health="unhealthy" if status.healthy is False else "",
        provider=PROVIDER,
        kind="application",
        service=name,
        server=normalise(task.id),
    )


def may_be_exposed(task: Task, options: MesosOptions) -> bool:
    """Check whether the task is routed unless something is wrong with it."""
    given = lowered({each.key: each.value for each in task.labels or ()})
    enabled = given.get(ENABLE)
    return options.exposed_by_default if enabled is None else enabled.strip() not in FALSE


def _concerns_traefik(given: Mapping[str, str]) -> bool:
    return any(label.startswith("traefik.") for label in given)


def _labels(
    task: Task, labels: Mapping[str, str], ports: Mapping[str, int], options: MesosOptions
) -> dict[str, str]:
    """Return the task's labels with the defaults of Traefik 1, unless it has labels of Traefik 3."""
    dropped = (f".{_PORT_INDEX}".lower(), f".{_PORT_NAME}".lower())
    kept = {label: value for label, value in labels.items() if not label.lower().endswith(dropped)}
    if has_v3_labels(labels):
        return kept
    given = lowered(labels)
    add_default_rules(
        kept,
        ports,
        lambda segment: default_host(
            task.application,
            segment,
            given,
            options.domain,
            groups_as_sub_domains=options.groups_as_sub_domains,
        ),
    )
    for segment in filter(None, ports):
        label = segment_label(segment, _PORT)
        if label.lower() not in given:
            kept[label] = str(ports[segment])
    return kept


def _ports(task: Task, labels: Mapping[str, str], given: Mapping[str, str]) -> dict[str, int]:
    """Return the port of each segment. Raises TaskFaultError."""
    if has_v3_labels(labels):
        # Labels of Traefik 3 may have the port themselves.
        return {"": task.ports[0].number} if task.ports else {}
    return {segment: _port(task.ports, given, segment) for segment in segments_of(labels)}


def _port(ports: tuple[DiscoveryPort, ...], given: Mapping[str, str], segment: str) -> int:
    """Return the port of a segment: by number, index or name, else the first one. Raises TaskFaultError."""

    def label(option: str) -> str:
        own = given.get(segment_label(segment, option).lower(), "")
        return (own or given.get(segment_label("", option).lower(), "")).strip()

    number, index, name = label(_PORT), label(_PORT_INDEX), label(_PORT_NAME)
    if not ports:
        raise TaskFaultError("it has no discovery port")
    if number and index:
        raise TaskFaultError(f"it has a port ({number}) and an index of a port ({index})")
    if number:
        return _first(ports, lambda each: str(each.number) == number, f"port {number}")
    if index:
        if not (index.isdecimal() and int(index) < len(ports)):
            raise TaskFaultError(f"its port index {index} is not one of its {len(ports)} discovery ports")
        return ports[int(index)].number
    if name:
        return _first(ports, lambda each: each.name == name, f"port {name}")
    return next((each.number for each in ports if segment and each.name == segment), ports[0].number)


def _first(ports: tuple[DiscoveryPort, ...], matches: Callable[[DiscoveryPort], bool], wanted: str) -> int:
    found = next((each.number for each in ports if matches(each)), None)
    if found is None:
        raise TaskFaultError(f"its {wanted} is not one of its {len(ports)} discovery ports")
    return found


def _address(task: Task, agent: str, sources: tuple[str, ...]) -> str:
    """Return the first address that the sources have, in their order. Raises TaskFaultError."""
    status = task.newest_status
    for source in sources:
        own = (agent,) if source == HOST else tuple(filter(_is_address, _OF_STATUS[source](status)))
        if own and own[0]:
            return own[0]
    raise TaskFaultError(f"it has no address of the kind {', '.join(sources)}")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _network_addresses(status: Status) -> list[str]:
    found: list[str] = []
    for each in status.container_status.network_infos or ():
        found += [address.ip_address for address in each.ip_addresses or ()] or [each.ip_address]
    return found


def _label_values(key: str) -> Callable[[Status], list[str]]:
    return lambda status: [each.value for each in status.labels or () if each.key == key]


_OF_STATUS: Mapping[str, Callable[[Status], list[str]]] = {
    "netinfo": _network_addresses,
    "docker": _label_values("Docker.NetworkSettings.IPAddress"),
    "mesos": _label_values("MesosContainerizer.NetworkSettings.IPAddress"),
}
"""Where a task's own address is found in its newest status; `host` is the address of its agent."""
