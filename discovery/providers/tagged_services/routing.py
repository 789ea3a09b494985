"""Selects the instances of a service that are routed, and says why others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.report import Report
from discovery.labels.constraints import Constraint, ConstraintSubject
from discovery.labels.known_labels import LabelKind, label_kind
from discovery.providers.tagged_services.instance import Instance, Member
from discovery.providers.tagged_services.options import TagOptions
from discovery.providers.tagged_services.tags import Labels, labels_from_tags

_UDP = ":udp"
"""The end of the service id that Registrator and our registrar give to a UDP port."""


class RoutedInstance(Struct, frozen=True):
    """A member that is to be routed; `healthy` says whether its status allows it new requests."""

    instance: Instance
    labels: Labels
    status: str
    healthy: bool
    weight: int
    is_canary: bool


def routed_instances(
    members: Sequence[Member], options: TagOptions, constraint: Constraint, report: Report
) -> list[RoutedInstance]:
    """Return the members that are to be routed; if there is none, report the reasons."""
    found: list[RoutedInstance] = []
    reasons: dict[str, None] = {}
    for member in members:
        instance = member.instance
        given = _labels_of(instance, options)
        healthy = member.status in options.healthy_statuses
        weight = instance.warning_weight if member.status == "warning" else instance.weight
        reason = _exclusion_reason(instance, given, options, constraint, report)
        if reason is None:
            own = {name.lower(): value for name, value in given.items() if _is_own(name, options)}
            bare = {name: value for name, value in given.items() if not _is_own(name, options)}
            canary = own.get(f"{options.own_labels}canary", "").lower() == "true"
            weight = min(weight, values.MAX_WEIGHT)
            found.append(RoutedInstance(instance, bare, member.status, healthy, weight, canary))
        else:
            reasons[reason] = None
    if not found:
        for reason in reasons:
            report.note(f"not routed: {reason}")
    return found


def _labels_of(instance: Instance, options: TagOptions) -> Labels:
    """Return the tags of an instance as labels.

    A registrar gives all ports of a container the same tags, so those for HTTP and TCP do not concern a UDP
    port.
    """
    given = labels_from_tags(instance.tags, options.prefix)
    if not instance.id.endswith(_UDP):
        return given
    return {name: value for name, value in given.items() if _concerns_udp(label_kind(name))}


def _concerns_udp(kind: LabelKind) -> bool:
    return not kind.is_v1 and kind not in (LabelKind.V3_HTTP, LabelKind.V3_TCP)


def _is_own(label: str, options: TagOptions) -> bool:
    return label.lower().startswith(options.own_labels)


def _exclusion_reason(
    instance: Instance,
    given: Mapping[str, str],
    options: TagOptions,
    constraint: Constraint,
    report: Report,
) -> str | None:
    """Return why an instance is not routed; None if it is."""
    lower = {name.lower(): value for name, value in given.items()}
    enabled, text = options.exposed_by_default, lower.get("traefik.enable")
    if text is not None:
        try:
            enabled = values.boolean(text)
        except ValueError as error:
            report.error(f"{report.at('traefik.enable', text)}: {error}")
    if instance.id.endswith(_UDP) and not any(label_kind(name) is LabelKind.V3_UDP for name in given):
        return "its id says that it speaks UDP"
    if not enabled:
        return (
            "tag traefik.enable says so"
            if text is not None
            else "services are not exposed by default, and tag traefik.enable=true is not given"
        )
    if lower.get(f"{options.own_labels}connect", "").lower() == "true":
        return "it is reachable through Consul Connect only, which is not supported"
    wanted = values.texts(lower.get("traefik.tags", ""))
    if not constraint(ConstraintSubject(instance.tags, wanted)):
        return f"its tags do not fulfil {options.section}.constraints"
    return None
