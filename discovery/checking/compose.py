"""Reads the services of a compose file as docker compose would create containers, and a Swarm services."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from discovery.checking.line_numbers import KeyLines
from discovery.checking.variables import Variables, unset_hint
from discovery.decoding.section import Tree
from discovery.labels.container import COMPOSE_PROJECT, COMPOSE_SERVICE, Container
from rondpoint.diagnostics import Diagnostic, Severity

PROVIDER = "docker"
SWARM = "swarm"

_SHARED_MODES = ("service:", "container:")
"""Network modes of a service that uses the addresses of another one."""


class ComposeService(Struct, frozen=True):
    """The first container of a service, with the lines of the service and its labels; 0 means unknown.

    `diagnostics` are about what docker compose itself would do with the service.
    """

    container: Container
    line: int
    labels: Mapping[str, int]
    diagnostics: tuple[Diagnostic, ...] = ()


def is_compose(tree: Tree) -> bool:
    """Return whether a file with this tree is a compose file."""
    services = tree.get("services")
    return isinstance(services, dict) and all(
        service is None or isinstance(service, dict) for service in services.values()
    )


def read_services(
    tree: Tree, path: Path, lines: KeyLines, environ: Mapping[str, str]
) -> Iterator[ComposeService]:
    """Yield each service of the file at `path`, with variables replaced from `environ`."""
    project = _read_project(tree, path, lines, environ)
    for name, service in _services(tree):
        yield _read_service(name, service, project)


def read_swarm_services(
    tree: Tree, path: Path, lines: KeyLines, environ: Mapping[str, str]
) -> Iterator[ComposeService]:
    """Yield each service as `docker stack deploy` would create it; the project is the stack."""
    project = _read_project(tree, path, lines, environ)
    for name, service in _services(tree):
        yield _read_swarm_service(name, service, project)


def _services(tree: Tree) -> Iterator[tuple[str, Tree]]:
    services: Mapping[str, Tree | None] = tree["services"]  # type: ignore[assignment]
    for name, service in services.items():
        yield name, service or {}


def _read_project(tree: Tree, path: Path, lines: KeyLines, environ: Mapping[str, str]) -> _Project:
    directory = re.sub(r"[^a-z0-9_-]", "", path.resolve().parent.name.lower())
    project_name = str(
        environ.get("COMPOSE_PROJECT_NAME")
        or Variables(environ).fill(str(tree.get("name") or ""))
        or directory
        or "default"
    )
    networks = tree.get("networks")
    return _Project(project_name, networks if isinstance(networks, dict) else {}, lines, environ)


class _Project(Struct, frozen=True):
    """The compose project of a service."""

    name: str
    networks: Mapping[str, Any]
    lines: KeyLines
    environ: Mapping[str, str]

    def engine_network(self, name: str) -> str:
        """Return the engine's name of a network."""
        network = self.networks.get(name) or {}
        if not isinstance(network, dict):
            return name
        explicit = Variables(self.environ).fill(str(network.get("name") or ""))
        return explicit or (name if network.get("external") else f"{self.name}_{name}")


def _read_service(name: str, service: Tree, project: _Project) -> ComposeService:
    labels = _read_labels(service, ("services", name, "labels"), project)
    variables = Variables(project.environ)
    mode = variables.fill(str(service.get("network_mode") or "bridge"))
    if mode.startswith(_SHARED_MODES):
        mode = "bridge"
    network_names = _network_names(service.get("networks")) or ["default"]
    networks = [project.engine_network(network) for network in network_names]
    container_name = variables.fill(str(service.get("container_name") or f"{project.name}-{name}-1"))
    container = Container(
        id=container_name,
        name=container_name,
        labels={COMPOSE_PROJECT: project.name, COMPOSE_SERVICE: name, **labels.values},
        networks={} if mode in ("host", "none") else dict.fromkeys(networks, name),
        ports=tuple(sorted(set(_read_ports(service, variables, _TCP)))),
        udp_ports=tuple(sorted(set(_read_ports(service, variables, _UDP)))),
        network_mode=mode,
    )
    return ComposeService(
        container,
        project.lines.line_of(("services", name)),
        labels.lines,
        tuple(_label_warnings(PROVIDER, f"container {container_name}", labels)),
    )


def _read_swarm_service(name: str, service: Tree, project: _Project) -> ComposeService:
    deploy = service.get("deploy")
    given = deploy if isinstance(deploy, dict) else {}
    labels = _read_labels(given, ("services", name, "deploy", "labels"), project)
    networks = [
        project.engine_network(each) for each in _network_names(service.get("networks")) or ["default"]
    ]
    container = Container(
        id=f"{project.name}_{name}",
        name=f"{project.name}_{name}",
        labels=labels.values,
        networks=dict.fromkeys(networks, name),
        provider=SWARM,
        kind="service",
    )
    diagnostics = _label_warnings(SWARM, f"service {container.name}", labels)
    return ComposeService(
        container, project.lines.line_of(("services", name)), labels.lines, tuple(diagnostics)
    )


class _Labels(Struct, frozen=True):
    """Labels of a service, their lines by name in lower case, and unset variables with a label of each.

    `in_other_syntax` has names that contain their value, because the file mixes the syntaxes of mappings and
    lists; each with what to write.
    """

    values: dict[str, str]
    lines: dict[str, int]
    unset: dict[str, str]
    in_other_syntax: dict[str, str]


def _read_labels(section: Tree, path: tuple[str, ...], project: _Project) -> _Labels:
    """Read the labels in `section`; `path` is theirs in the file."""
    found = _Labels({}, {}, {}, {})
    written = section.get("labels")
    sign, form = ("=", "{}: {}") if isinstance(written, dict) else (":", "{}={}")
    for key, pair in key_value_pairs(written):
        variables = Variables(project.environ)
        if isinstance(written, list):
            # A variable may hold a whole item, NAME=VALUE.
            label, value = _split_item(variables.fill(str(written[int(key[1:-1])])))
        else:
            label, value = (variables.fill(text) for text in pair)
        found.values[label] = value
        name, found_sign, rest = label.partition(sign)
        if found_sign and not value and name.lower().startswith("traefik."):
            found.in_other_syntax[label] = form.format(name, rest.strip())
        found.lines[label.lower()] = project.lines.line_of((*path, key))
        found.unset.update(dict.fromkeys(variables.unset, label))
    return found


def _label_warnings(provider: str, subject: str, labels: _Labels) -> Iterator[Diagnostic]:
    for label, correction in labels.in_other_syntax.items():
        message = f"label {label} has no value, because its name contains it"
        yield Diagnostic(Severity.WARNING, provider, subject, message, f"write {correction}")
    for variable, label in sorted(labels.unset.items()):
        yield Diagnostic(
            Severity.WARNING,
            provider,
            subject,
            f"label {label}: variable {variable} is not set, so it is empty",
            unset_hint(variable),
        )


def key_value_pairs(section: object) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the key in the file, and name and value, of each entry of `labels` or `environment`.

    Both syntaxes are read: a mapping, and a list of `name=value`.
    """
    if isinstance(section, dict):
        for name, value in section.items():
            yield name, (name, _to_text(value))
    elif isinstance(section, list):
        for number, item in enumerate(section):
            yield f"[{number}]", _split_item(str(item))


def _split_item(item: str) -> tuple[str, str]:
    name, _, value = item.partition("=")
    return name, value


def _to_text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _network_names(networks: object) -> list[str]:
    return list(map(str, networks)) if isinstance(networks, (list, dict)) else []


_TCP, _UDP = ("", "tcp"), ("udp",)


def _read_ports(service: Tree, variables: Variables, protocols: Collection[str]) -> Iterator[int]:
    for port in as_list(service.get("ports")):
        written = _long_port(port) if isinstance(port, dict) else str(port).rpartition(":")[2]
        yield from _parse_port(variables.fill(str(written)), protocols)
    for port in as_list(service.get("expose")):
        yield from _parse_port(variables.fill(str(port)), protocols)


def _long_port(port: Mapping[str, Any]) -> str:
    """Return a port in long form as `53/udp`."""
    return f"{port.get('target', '')}/{port.get('protocol') or 'tcp'}"


def as_list(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


def _parse_port(written: str, protocols: Collection[str]) -> Iterator[int]:
    number, _, protocol = written.partition("/")
    first = number.partition("-")[0]
    if first.isdigit() and protocol in protocols:
        yield int(first)
