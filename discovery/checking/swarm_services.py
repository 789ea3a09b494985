"""Checks labels below `deploy`, as the Swarm provider would read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from discovery import labels
from discovery.checking.compose import PROVIDER as DOCKER
from discovery.checking.compose import SWARM, ComposeService
from discovery.checking.label_readers import LabelReader, LabelReaders
from discovery.decoding.decoded import Decoded
from discovery.labels import constraints
from discovery.labels.options import engine_label_options
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


def is_stack(services: Iterable[ComposeService], containers: Iterable[ComposeService]) -> bool:
    """Return whether labels of routes are below `deploy` only, so the file is for `docker stack deploy`.

    `containers` are the same services as docker compose would create them.
    """
    return _has_traefik_labels(services) and not _has_traefik_labels(containers)


def decode_stack_without_proxy(services: Iterable[ComposeService]) -> Iterator[Decoded]:
    """Decode the services of a stack whose proxy is elsewhere; a note says so for those with labels."""
    reader = LabelReader(engine_label_options(SwarmOptions()), constraints.everything)
    for service in services:
        if not _has_traefik_labels([service]):
            # The proxy's exposedByDefault says whether it is routed.
            continue
        note = Diagnostic(
            Severity.NOTE,
            SWARM,
            f"service {service.container.name}",
            "deploy.labels are checked as labels of a service of Swarm",
            "containers of docker compose do not get them",
        )
        decoded = _decode(service, reader)
        yield replace(decoded, diagnostics=(note, *decoded.diagnostics))


def _has_traefik_labels(services: Iterable[ComposeService]) -> bool:
    return any(name.lower().startswith("traefik.") for each in services for name in each.container.labels)


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
        if _has_traefik_labels([service]):
            subject = f"container {container.container.name}"
            diagnostic = Diagnostic(
                Severity.WARNING,
                DOCKER,
                subject,
                "deploy.labels are labels of a service of Swarm; containers do not get them",
                "with docker compose, write them under labels; with docker stack deploy, set providers.swarm",
            )
            yield Decoded(subject, diagnostics=(diagnostic,))
