"""The services of a compose file, as the containers that they become."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from discovery.checking.line_numbers import Lines
from discovery.checking.variables import Variables
from discovery.container import COMPOSE_PROJECT, COMPOSE_SERVICE, Container
from discovery.decoding.section import Tree
from rondpoint.diagnostics import Diagnostic, Severity

PROVIDER = "docker"

_SHARED = ("service:", "container:")
"""Network modes of a service that has another one's addresses."""


class Composed(Struct, frozen=True):
    """A service: the first container of it, with the lines in which it and its labels stand, 0 for unknown.

    `findings` are about what docker compose itself would do with it.
    """

    container: Container
    line: int
    labels: Mapping[str, int]
    findings: tuple[Diagnostic, ...] = ()


def is_compose(tree: Tree) -> bool:
    """Whether a file with this tree is one for docker compose."""
    services = tree.get("services")
    return isinstance(services, dict) and all(
        service is None or isinstance(service, dict) for service in services.values()
    )


def composed(tree: Tree, path: Path, lines: Lines, environ: Mapping[str, str]) -> Iterator[Composed]:
    """Each service of a file at `path`, with variables of `environ`."""
    directory = re.sub(r"[^a-z0-9_-]", "", path.resolve().parent.name.lower())
    project = str(
        environ.get("COMPOSE_PROJECT_NAME")
        or Variables(environ).fill(str(tree.get("name") or ""))
        or directory
        or "default"
    )
    networks = tree.get("networks")
    services: Mapping[str, Tree | None] = tree["services"]  # type: ignore[assignment]
    for name, service in services.items():
        yield _one(
            name,
            service or {},
            _Around(project, networks if isinstance(networks, dict) else {}, lines, environ),
        )


class _Around(Struct, frozen=True):
    """What a service stands in."""

    project: str
    networks: Mapping[str, Any]
    lines: Lines
    environ: Mapping[str, str]

    def network(self, name: str) -> str:
        """What the engine calls a network."""
        network = self.networks.get(name) or {}
        if not isinstance(network, dict):
            return name
        named = Variables(self.environ).fill(str(network.get("name") or ""))
        return named or (name if network.get("external") else f"{self.project}_{name}")


def _one(name: str, service: Tree, around: _Around) -> Composed:
    labels: dict[str, str] = {}
    places: dict[str, int] = {}
    unset: dict[str, str] = {}
    for key, written in pairs(service.get("labels")):
        variables = Variables(around.environ)
        label, value = (variables.fill(part) for part in written)
        labels[label] = value
        places[label.lower()] = around.lines.of(("services", name, "labels", key))
        unset |= dict.fromkeys(variables.unset, label)
    variables = Variables(around.environ)
    mode = variables.fill(str(service.get("network_mode") or "bridge"))
    if mode.startswith(_SHARED):
        mode = "bridge"
    joined = [around.network(network) for network in _names(service.get("networks")) or ["default"]]
    called = variables.fill(str(service.get("container_name") or f"{around.project}-{name}-1"))
    container = Container(
        id=called,
        name=called,
        labels={COMPOSE_PROJECT: around.project, COMPOSE_SERVICE: name, **labels},
        networks={} if mode in ("host", "none") else dict.fromkeys(joined, name),
        ports=tuple(sorted(set(_ports(service, variables)))),
        network_mode=mode,
    )
    subject = f"container {called}"
    return Composed(
        container, around.lines.of(("services", name)), places, tuple(_found(subject, service, unset))
    )


def _found(subject: str, service: Tree, unset: Mapping[str, str]) -> Iterator[Diagnostic]:
    for variable, label in sorted(unset.items()):
        yield Diagnostic(
            Severity.WARNING,
            PROVIDER,
            subject,
            f"label {label}: variable {variable} is not set, and taken to be empty",
            f"set it, or say what stands for it: ${{{variable}:-…}}",
        )
    deploy = service.get("deploy")
    of_swarm = pairs(deploy.get("labels")) if isinstance(deploy, dict) else ()
    if any(label.lower().startswith("traefik.") for _, (label, _) in of_swarm):
        yield Diagnostic(
            Severity.WARNING,
            PROVIDER,
            subject,
            "deploy.labels are those of a swarm's service, and no container gets them",
            "write them under labels",
        )


def pairs(labels: object) -> Iterator[tuple[str, tuple[str, str]]]:
    """The key in the file, name and value of each label, in either of the forms that they are written in."""
    if isinstance(labels, dict):
        for name, value in labels.items():
            yield name, (name, _text(value))
    elif isinstance(labels, list):
        for number, item in enumerate(labels):
            name, _, value = str(item).partition("=")
            yield f"[{number}]", (name, value)


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _names(networks: object) -> list[str]:
    return list(map(str, networks)) if isinstance(networks, (list, dict)) else []


def _ports(service: Tree, variables: Variables) -> Iterator[int]:
    for port in items(service.get("ports")):
        written = port.get("target", "") if isinstance(port, dict) else str(port).rpartition(":")[2]
        yield from _port(variables.fill(str(written)))
    for port in items(service.get("expose")):
        yield from _port(variables.fill(str(port)))


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _port(written: str) -> Iterator[int]:
    number, _, protocol = written.partition("/")
    first = number.partition("-")[0]
    if first.isdigit() and protocol in ("", "tcp"):
        yield int(first)
