"""Checks labels of containers, as the Docker provider would read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from discovery import labels
from discovery.checking.compose import PROVIDER as DOCKER
from discovery.checking.compose import ComposeService
from discovery.checking.label_readers import LabelReader, LabelReaders
from discovery.checking.proxy_settings import ProxyCheck
from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import DockerOptions, EngineOptions, Settings

ASSUMED_PORT = 80

_CONSTRAINTS = "providers.docker.constraints"


def decode_docker_services(
    services: Iterable[ComposeService], agents: Sequence[ProxyCheck], settings: Settings | None
) -> Iterator[Decoded]:
    """Decode the containers of compose files by the settings, else by those of the agents in the files."""
    readers = LabelReaders(DOCKER, _docker_options(agents, settings))
    yield from readers.faults()
    for service in services:
        if readers:
            yield readers.decode(service, _decode)
        else:
            yield _report_unread_labels(service, agents)


def _docker_options(agents: Sequence[ProxyCheck], settings: Settings | None) -> dict[EngineOptions, str]:
    """Return the options of the Docker providers, with the subjects of diagnostics about their constraints.

    The result is empty if no agent has a Docker provider.
    """
    if settings is not None:
        return {settings.providers.docker or DockerOptions(): _CONSTRAINTS}
    if not agents or not all(agent.settings for agent in agents):
        return {DockerOptions(): _CONSTRAINTS}
    found = ((agent.settings.providers.docker, agent.constraints) for agent in agents if agent.settings)
    return {options: subject for options, subject in found if options is not None}


def _decode(service: ComposeService, reader: LabelReader) -> Decoded:
    container = service.container
    decoded = labels.decode(container, reader.options, reader.constraint)
    diagnostics = list(service.diagnostics)
    if not container.ports and any("it exposes no port" in each.message for each in decoded.diagnostics):
        # The image may expose a port, but it is not available here.
        with_port = replace(container, ports=(ASSUMED_PORT,))
        decoded = labels.decode(with_port, reader.options, reader.constraint)
        message = f"the compose file does not name its port, so {ASSUMED_PORT} is assumed"
        hint = "if its image exposes another port, name it with `expose` or a label"
        diagnostics.append(Diagnostic(Severity.NOTE, DOCKER, f"container {container.name}", message, hint))
    return replace(decoded, diagnostics=(*diagnostics, *decoded.diagnostics))


def _report_unread_labels(service: ComposeService, agents: Sequence[ProxyCheck]) -> Decoded:
    subject = f"container {service.container.name}"
    if not any(label.lower().startswith("traefik.") for label in service.container.labels):
        return Decoded(subject)
    names = ", ".join(agent.served.service for agent in agents)
    message = f"its labels are not read: {names} has no Docker provider"
    hint = "enable it with --providers.docker"
    return Decoded(subject, diagnostics=(Diagnostic(Severity.WARNING, DOCKER, subject, message, hint),))
