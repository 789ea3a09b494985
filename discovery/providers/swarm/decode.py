"""Decodes the labels of one service into routers, services and diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from discovery import labels
from discovery.decoding.decoded import Decoded
from discovery.labels.constraints import Constraint
from discovery.labels.container import Container
from discovery.labels.container_reports import container_report
from discovery.labels.options import LabelOptions
from discovery.providers.swarm.containers import virtual_ip_label
from discovery.providers.swarm.objects import SwarmService
from rondpoint.diagnostics import Diagnostic


def decode(
    service: SwarmService,
    containers: Sequence[Container],
    options: LabelOptions,
    constraint: Constraint,
) -> tuple[Decoded, ...]:
    """Return what the containers of one service define together."""
    parts = [labels.decode(container, options, constraint) for container in containers]
    label = virtual_ip_label(service)
    if label and not service.virtual_ips:
        report = container_report(containers[0])
        report.warning(
            f"{report.at(label)} has no effect, because the service has no virtual IP",
            "remove endpoint_mode: dnsrr, or connect it to an overlay network",
        )
        parts.insert(0, Decoded(report.subject, diagnostics=report.diagnostics))
    return tuple(_without_repeats(parts))


def _without_repeats(parts: Iterable[Decoded]) -> Iterable[Decoded]:
    """Keep only the first of equal diagnostics: each task has the labels of the service."""
    seen: set[Diagnostic] = set()
    for part in parts:
        kept = tuple(each for each in part.diagnostics if each not in seen)
        seen.update(kept)
        yield replace(part, diagnostics=kept)
