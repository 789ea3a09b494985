"""Checks labels below `deploy`, as the Swarm provider would read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from discovery import labels
from discovery.checking.compose import PROVIDER as DOCKER
from discovery.checking.compose import SWARM, ComposeService
from discovery.checking.label_readers import LabelReader, LabelReaders
from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import Settings, SwarmOptions

_CONSTRAINTS = "providers.swarm.constraints"


def swarm_options(all_settings: Iterable[Settings]) -> Sequence[SwarmOptions]:
    """Return the distinct options of the Swarm provider in these settings."""
    found = (settings.providers.swarm for settings in all_settings)
    return tuple(dict.fromkeys(options for options in found if options is not None))


def decode_swarm_services(
    services: Iterable[ComposeService], all_options: Iterable[SwarmOptions]
) -> Iterator[Decoded]:
    """Decode the services of a stack."""
    readers = LabelReaders(SWARM, dict.fromkeys(all_options, _CONSTRAINTS))
    yield from readers.faults()
    for service in services:
        yield readers.decode(service, _decode)


def _decode(service: ComposeService, reader: LabelReader) -> Decoded:
    decoded = labels.decode(service.container, reader.options, reader.constraint)
    return replace(decoded, diagnostics=(*service.diagnostics, *decoded.diagnostics))


def unread_deploy_labels(
    services: Iterable[ComposeService], containers: Iterable[ComposeService]
) -> Iterator[Decoded]:
    """Report labels of routes below `deploy` that nothing reads, since no proxy has the Swarm provider.

    `containers` are the same services as docker compose would create them.
    """
    for service, container in zip(services, containers, strict=True):
        if any(name.lower().startswith("traefik.") for name in service.container.labels):
            subject = f"container {container.container.name}"
            diagnostic = Diagnostic(
                Severity.WARNING,
                DOCKER,
                subject,
                "deploy.labels are labels of a service of Swarm; containers do not get them",
                "with docker compose, write them under labels; with docker stack deploy, set providers.swarm",
            )
            yield Decoded(subject, diagnostics=(diagnostic,))
