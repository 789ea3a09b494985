"""Turns an app and its tasks into containers, which the decoders of labels read."""

from __future__ import annotations

from collections.abc import Mapping

from discovery.decoding.names import normalise
from discovery.labels.container import Container
from discovery.providers.container_groups.group import ContainerGroup
from discovery.providers.container_groups.v1_defaults import (
    add_default_rules,
    default_host,
    has_v3_labels,
    lowered,
    segment_label,
    segments_of,
)
from discovery.providers.marathon.readiness import is_ready
from discovery.providers.marathon.values import App, Task
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import MarathonOptions

PROVIDER = "marathon"
NO_TASK = "without a ready task"
"""The health of the container that stands for an app without tasks that can get requests."""

_TAGS = "traefik.tags"
_PORT, _PORT_INDEX = "traefik.port", "traefik.portindex"
_ADDRESS_INDEX = "traefik.ipaddressidx"
_GROUP, _VHOST = "HAPROXY_GROUP", "HAPROXY_0_VHOST"


class _FaultError(Exception):
    """A task that cannot get requests; `str()` says why."""


def containers_of(app: App, options: MarathonOptions, now: float) -> ContainerGroup:
    """Return a container for each running and ready task, or one without an address if there is none."""
    name = normalise(app.id)
    running = [task for task in app.tasks or () if task.state == "TASK_RUNNING"]
    ready = [task for task in running if not options.respect_readiness_checks or is_ready(task, app, now)]
    found: list[Container] = []
    faults: dict[str, None] = {}
    for task in ready:
        try:
            found.append(_container(name, app, task, options))
        except _FaultError as error:
            faults[str(error)] = None
    if not found:
        found = [_make(app.id, name, _labels(app, options, None), "", (), health=NO_TASK)]
    diagnostics = tuple(
        Diagnostic(Severity.ERROR, PROVIDER, f"app {name}", f"a task is not routed: {fault}")
        for fault in faults
    )
    return ContainerGroup(tuple(found), diagnostics, len(ready) < len(running))


def _container(name: str, app: App, task: Task, options: MarathonOptions) -> Container:
    """Return the container of a task. Raises _FaultError."""
    ports = _ports(app, task)
    given = lowered(app.labels)
    own = () if _PORT in given or not ports else (_port(ports, given.get(_PORT_INDEX, "0")),)
    return _make(task.id, name, _labels(app, options, ports), _host(app, task, options), own)


def _make(
    own: str, name: str, labels: Mapping[str, str], host: str, ports: tuple[int, ...], *, health: str = ""
) -> Container:
    return Container(
        id=own,
        name=name,
        labels=labels,
        networks={"marathon": host},
        ports=ports,
        health=health,
        provider=PROVIDER,
        kind="app",
        service=name,
    )


def _labels(app: App, options: MarathonOptions, ports: tuple[int, ...] | None) -> dict[str, str]:
    """Return the app's labels with the defaults of Traefik 1, unless it has labels of Traefik 3.

    Indexes of `ports` become ports. Raises _FaultError if there is no such port.
    """
    labels = {
        label: value
        for label, value in app.labels.items()
        if not label.lower().endswith((".portindex", ".ipaddressidx"))
    }
    _add_tags(labels, app, options)
    if has_v3_labels(labels):
        return labels
    given = lowered(app.labels)
    segments = segments_of(app.labels)
    vhost = app.labels.get(_VHOST, "") if options.marathon_lb_compatibility else ""
    add_default_rules(
        labels,
        segments,
        lambda segment: (
            vhost
            or default_host(
                app.id,
                segment,
                given,
                options.domain,
                groups_as_sub_domains=options.groups_as_sub_domains,
            )
        ),
    )
    if ports is not None and _PORT not in given:
        for segment in filter(None, segments):
            label = segment_label(segment, "port")
            if label.lower() not in given:
                index = given.get(f"{label.lower()}index", given.get(_PORT_INDEX, "0"))
                labels[label] = str(_port(ports, index))
    return labels


def _add_tags(labels: dict[str, str], app: App, options: MarathonOptions) -> None:
    """Add the tags that the options take from other labels and from the app's constraints."""
    tags = [app.labels.get(_GROUP, "")] if options.marathon_lb_compatibility else []
    if options.filter_marathon_constraints:
        tags += [":".join(each) for each in app.constraints or ()]
    if any(tags):
        key = next((label for label in labels if label.lower() == _TAGS), _TAGS)
        labels[key] = ",".join(filter(None, [labels.get(key, ""), *tags]))


def _ports(app: App, task: Task) -> tuple[int, ...]:
    """Return the task's ports: those of its host, else those that the app defines."""
    if task.ports:
        return task.ports
    if app.port_definitions:
        return tuple(each.port for each in app.port_definitions if each.port is not None)
    discovery = app.ip_address.discovery if app.ip_address is not None else None
    return tuple(each.number for each in discovery.ports or ()) if discovery is not None else ()


def _port(ports: tuple[int, ...], index: str) -> int:
    if index.strip().isdecimal() and int(index) < len(ports):
        return ports[int(index)]
    raise _FaultError(f"its port index {index} is not one of the {len(ports)} ports")


def _host(app: App, task: Task, options: MarathonOptions) -> str:
    """Return the address at which the task is reached. Raises _FaultError if it is unclear."""
    on_host = app.networks[0].mode != "container" if app.networks else app.ip_address is None
    if on_host or options.force_task_hostname:
        return task.host
    addresses = [each.ip_address for each in task.ip_addresses or ()]
    if len(addresses) == 1:
        return addresses[0]
    given = lowered(app.labels)
    index = given.get(_ADDRESS_INDEX, "")
    if index.isdecimal() and int(index) < len(addresses):
        return addresses[int(index)]
    if not addresses:
        raise _FaultError("it has no address in its network yet")
    raise _FaultError(f"it has {len(addresses)} addresses; label traefik.ipAddressIdx must choose one")
