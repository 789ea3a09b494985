"""Decodes the instances of one service into routers, services and diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from discovery import labels
from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report, format_names
from discovery.labels.constraints import Constraint
from discovery.labels.container import Container
from discovery.labels.known_labels import label_kind
from discovery.labels.options import LabelOptions
from discovery.providers.tagged_services.canaries import canary_name
from discovery.providers.tagged_services.frontends import frontend_labels, has_named_frontends
from discovery.providers.tagged_services.instance import Instance, Member
from discovery.providers.tagged_services.options import TagOptions
from discovery.providers.tagged_services.routing import RoutedInstance, routed_instances
from discovery.providers.tagged_services.tags import LABEL_PREFIX, Labels
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service

MAX_PORT = 65_535

_INSTANCE_LABELS = frozenset({"traefik.weight", "traefik.protocol", "traefik.enable", "traefik.tags"})
"""Labels that apply to one instance alone; Traefik 1 shares all others among the instances of a service."""


def decode(
    service: str, members: Sequence[Member], options: TagOptions, constraint: Constraint
) -> tuple[Decoded, ...]:
    """Return what the instances of a service define together.

    An unhealthy instance becomes a draining server of weight 0, so that it finishes its requests; the tags of
    the healthy instances count for it. TCP and UDP have no weights, so there it is no server. Tags are read
    in Traefik 3's dialect if any begins with `traefik.http.`, `traefik.tcp.` or `traefik.udp.`; else in
    Traefik 1's if any tag is of that dialect, or if the settings have `domain` or `frontEndRule`.
    """
    report = Report(options.provider, f"service {service}", "tag")
    if " " in service:
        report.note("not routed: its name has a space")
        return (Decoded(report.subject, diagnostics=report.diagnostics),)
    routed = routed_instances(members, options, constraint, report)
    healthy = [each for each in routed if each.healthy]
    shared = _shared_labels(healthy or routed, report)
    kinds = {label_kind(name) for each in routed for name in each.labels} | set(map(label_kind, shared))
    parts: list[Decoded] = []
    if not any(kind.is_v3_route for kind in kinds) and (
        has_named_frontends(shared)
        or options.domain
        or options.front_end_rule
        or any(each.is_v1 for each in kinds)
    ):
        tags = [tag for each in healthy or routed for tag in each.instance.tags]
        for own in frontend_labels(service, shared, tags, options, report):
            parts += [
                _decode_instance(each, {**own, **_instance_labels(each.labels)}, options) for each in routed
            ]
    else:
        for each in routed:
            written = healthy[0].labels if healthy and not each.healthy else each.labels
            parts.append(_decode_instance(each, written, options))
    if report.diagnostics:
        parts.insert(0, Decoded(report.subject, diagnostics=report.diagnostics))
    decoded = tuple(_without_repeats(parts, options.prefix))
    if routed and not healthy:
        decoded += (
            Decoded(report.subject, diagnostics=_no_healthy_instance(options.provider, routed, parts)),
        )
    return decoded


def _shared_labels(routed: Sequence[RoutedInstance], report: Report) -> Labels:
    """Return the labels of all instances together; if they differ, the last registered instance wins."""
    found: dict[str, tuple[str, str, Instance]] = {}
    for each in sorted(routed, key=lambda one: (-one.instance.modified, one.instance.key)):
        for name, value in each.labels.items():
            if name.lower() in _INSTANCE_LABELS:
                continue
            _, known, other = found.setdefault(name.lower(), (name, value, each.instance))
            if known != value and not label_kind(name).is_v3_route:
                report.warning(
                    f"{report.at(name, value)} of {each.instance.name} is ignored: "
                    f"{other.name}, registered later, has {known!r}",
                    "give all instances of a service the same tags",
                )
    return {name: value for name, value, _ in found.values()}


def _instance_labels(given: Labels) -> Labels:
    return {name: value for name, value in given.items() if name.lower() in _INSTANCE_LABELS}


def _decode_instance(each: RoutedInstance, given: Labels, options: TagOptions) -> Decoded:
    instance = each.instance
    container = Container(
        id=instance.name,
        name=instance.name,
        labels=given,
        networks={"source": instance.address if _is_host(instance.address) else ""},
        # Consul accepts any number as a port, and any text as an address.
        ports=(instance.port,) if 0 < instance.port <= MAX_PORT else (),
        health="empty" if instance.empty else "",
        draining=not each.healthy and not instance.empty,
        provider=options.provider,
        kind=f"service {instance.service}, instance",
        service=canary_name(instance.service, instance.tags) if each.is_canary else instance.service,
        rule_name=instance.service,
        weight=each.weight,
    )
    label_options = LabelOptions(options.default_rule, allow_empty_services=instance.empty)
    decoded = labels.decode(container, label_options)
    if each.healthy:
        return decoded
    # A draining server takes requests if there is no other. An unhealthy one must not, hence weight 0.
    return replace(
        decoded,
        services=tuple(map(_without_weight, decoded.services)),
        tcp_services=tuple(replace(service, servers=()) for service in decoded.tcp_services),
        udp_services=tuple(replace(service, servers=()) for service in decoded.udp_services),
    )


def _without_weight(service: Service) -> Service:
    return replace(service, servers=tuple(replace(server, weight=0) for server in service.servers))


def _no_healthy_instance(
    provider: str, routed: Sequence[RoutedInstance], parts: Iterable[Decoded]
) -> tuple[Diagnostic, ...]:
    """Return one diagnostic for each service of the instances, where `rondpoint explain` looks for it."""
    states = format_names(
        f"{each.instance.id} is scaled to 0"
        if each.instance.empty
        else f"{each.instance.name} ({each.status})"
        for each in routed
    )
    hint = "they do once their checks pass; see strictChecks for which states of health suffice"
    if all(each.instance.empty for each in routed):
        hint = "it has one as soon as it is scaled up"
    subjects = {
        *(f"service {service.name}" for part in parts for service in part.services),
        *(f"TCP service {service.name}" for part in parts for service in part.tcp_services),
        *(f"UDP service {service.name}" for part in parts for service in part.udp_services),
    }
    message = f"no instance takes requests: {states}"
    return tuple(
        Diagnostic(Severity.WARNING, provider, subject, message, hint) for subject in sorted(subjects)
    )


def _is_host(address: str) -> bool:
    try:
        values.host(address)
    except ValueError:
        return False
    return True


def _without_repeats(parts: Iterable[Decoded], prefix: str) -> Iterable[Decoded]:
    """Keep only the first of equal diagnostics of several instances, and name tags with the user's prefix."""
    seen: set[str] = set()
    for part in parts:
        kept: list[Diagnostic] = []
        for each in part.diagnostics:
            if each.message not in seen:
                seen.add(each.message)
                kept.append(_with_tag_prefix(each, prefix))
        yield replace(part, diagnostics=tuple(kept))


def _with_tag_prefix(diagnostic: Diagnostic, prefix: str) -> Diagnostic:
    tag_prefix = f"tag {prefix}." if prefix else "tag "
    return replace(
        diagnostic,
        message=diagnostic.message.replace(f"tag {LABEL_PREFIX}", tag_prefix),
        hint=diagnostic.hint.replace(f"label {LABEL_PREFIX}", tag_prefix).replace(
            f"tag {LABEL_PREFIX}", tag_prefix
        ),
    )
